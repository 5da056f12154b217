"""Bytes of a picture file to one safe square: formats, limits, colours, orientation."""
