"""A small picture library that uses django-artsimilarity as any site would."""

from demo_site.celery import app as celery_app

__all__ = ["celery_app"]
