"""The map of a library: all pictures in the plane by likeness, made by workers, shown by pages.

Imports ``embedding`` (broker, sweep), ``search`` and ``library``; ``management`` and template tags
import it. What needs numpy and openTSNE is in ``layout`` alone, which no page imports.
"""
