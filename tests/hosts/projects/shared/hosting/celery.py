"""Celery as its first steps with Django say."""

from celery import Celery

app = Celery("hosting")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
