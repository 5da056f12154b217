"""What ``manage.py`` can do with the lab installed."""
