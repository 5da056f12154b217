"""Scans of one print: found by workers, recorded as pairs, judged in the admin.

Imports ``library`` and ``schema``; ``search`` hides what is recorded here, ``embedding`` has new
pictures looked at, ``admin`` reports them.
"""
