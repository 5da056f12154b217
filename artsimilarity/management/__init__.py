"""``manage.py`` commands; thin, over ``embedding``, ``duplicates`` and ``monitoring``."""
