"""The searches over Django REST framework; nothing imports it but hosts (extra ``api``).

Imports ``search`` and ``own_picture``.
"""
