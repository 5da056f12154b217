"""Catalogues, and pages in every language."""
