"""The library's pages, one module for each."""
