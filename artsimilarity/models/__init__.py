"""What a host inherits from, and the app's own tables for Django to find.

The mixin brings ``similar_to()`` along, so this room stands above ``search`` and nothing but the
host-facing rooms imports it; what the rooms below need of a table is in ``schema``.
"""

from artsimilarity.models.companion import SimilarityCompanion
from artsimilarity.models.mixin import SimilarityMixin
from artsimilarity.schema.columns import COLUMNS
from artsimilarity.schema.managers import vectors
from artsimilarity.schema.tables import (
    DuplicatePair,
    MapPlace,
    MapSheet,
    PictureMap,
    RecallMeasurement,
    Rollout,
    ScoreCalibration,
    SearchAnswer,
    SearchSlot,
    SweepRecord,
    Whitening,
    WorkInHand,
)
from artsimilarity.search.querysets import SimilarityManager, SimilarityQuerySet

__all__ = [
    "COLUMNS",
    "DuplicatePair",
    "MapPlace",
    "MapSheet",
    "PictureMap",
    "RecallMeasurement",
    "Rollout",
    "ScoreCalibration",
    "SearchAnswer",
    "SearchSlot",
    "SimilarityCompanion",
    "SimilarityManager",
    "SimilarityMixin",
    "SimilarityQuerySet",
    "SweepRecord",
    "Whitening",
    "WorkInHand",
    "vectors",
]
