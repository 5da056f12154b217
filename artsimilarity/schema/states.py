"""The states of a picture's embedding, of a roll-out, and of a pair of duplicates."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class EmbeddingStatus(models.TextChoices):
    """What the column ``embedding_status`` holds."""

    PENDING = "pending", _("waiting")
    READY = "ready", _("ready")
    FAILED = "failed", _("failed")


class RolloutState(models.TextChoices):
    """How far the roll-out of a new recipe has come."""

    FILLING = "filling", _("embedding under the new recipe")
    PROMOTING = "promoting", _("putting the new recipe into service")
    PROMOTED = "promoted", _("finished")


class DuplicateState(models.TextChoices):
    """What is thought of two pictures that look like scans of one print."""

    FOUND = "found", _("found")
    DISMISSED = "dismissed", _("not duplicates")
