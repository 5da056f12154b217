"""What every host would write alike: settings that the test gives, and Celery's application."""

from hosting.celery import app

__all__ = ["app"]
