"""The site's pictures."""

from aaa_prints.celery import app as celery_app

__all__ = ["celery_app"]
