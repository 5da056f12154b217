"""The noun ``Library``, one picture model in one database: its rows, files, recipes and index.

Imports ``schema``, ``conf`` and ``encoder`` alone; every room that asks the database imports it.
"""

from artsimilarity.library.library import Library, libraries

__all__ = ["Library", "libraries"]
