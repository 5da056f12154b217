"""A check of the host's Celery, without which pictures go to no worker."""

from __future__ import annotations

from typing import Any

from celery import current_app
from django.core import checks

# How Celery calls the app that it makes up where a process has none.
_MADE_UP = "default"


def check_celery_app(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """Say where Django loads no Celery app: tasks go to localhost then, whatever the settings say.

    A made-up app that was told of its broker, or runs tasks at once, is meant.
    """
    conf = current_app.conf
    if current_app.main != _MADE_UP or conf.broker_url or conf.task_always_eager:
        return []
    return [
        checks.Warning(
            "Django loads no Celery app of this project, so CELERY_BROKER_URL is not read and "
            "pictures are sent to no worker.",
            hint="Write a celery.py beside the settings and import its app in the package's "
            "__init__.py, as docs/tutorial.md (3. Settings) does. If you only ever embed by "
            "'manage.py embed_artworks --sync', silence this warning.",
            id="artsimilarity.W017",
        )
    ]
