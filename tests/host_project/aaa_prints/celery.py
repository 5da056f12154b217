"""The site's Celery app, as the tutorial writes it."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

app = Celery("prints")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
