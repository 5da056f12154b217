"""The states of a picture's embedding."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class EmbeddingStatus(models.TextChoices):
    """What the column ``embedding_status`` holds."""

    PENDING = "pending", _("waiting")
    READY = "ready", _("ready")
    FAILED = "failed", _("failed")
