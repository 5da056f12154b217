"""“More like this” by style and colour for picture libraries on Django."""

__version__ = "0.1.0"
