"""From a saved picture to its row: pending, claim, read, encode, write; roll-out, sweep, tasks.

Imports ``search`` (whose cache and score calibration it renews), ``duplicates``, ``library`` and
``schema``; ``own_picture``, ``monitoring``, ``admin`` and ``management`` import it.
"""
