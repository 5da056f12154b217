"""The app's own tables."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from artsimilarity.schema.indexes import Graph
from artsimilarity.schema.states import DuplicateState, RolloutState


class Rollout(models.Model):
    """The latest roll-out of a new recipe for one library."""

    model_label = models.CharField(_("model"), max_length=200, unique=True)
    fingerprint = models.CharField(_("new recipe"), max_length=64)
    state = models.CharField(
        _("state"), max_length=20, choices=RolloutState, default=RolloutState.FILLING
    )
    started_at = models.DateTimeField(_("started at"), auto_now_add=True)
    promoted_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("roll-out")
        verbose_name_plural = _("roll-outs")

    def __str__(self) -> str:
        return f"{self.model_label}: {self.fingerprint}"


class Whitening(models.Model):
    """A projection that ``manage.py fit_whitening`` fitted; recipes name it by its digest."""

    sha256 = models.CharField(max_length=64, unique=True)
    data = models.BinaryField(_("safetensors file"))
    pictures = models.PositiveIntegerField(_("pictures that it was fitted on"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("whitening")
        verbose_name_plural = _("whitenings")

    def __str__(self) -> str:
        return self.sha256


class DuplicatePair(models.Model):
    """Two pictures that seem to be scans of one print.

    It speaks of the two files whose digests it holds, and of no others: once either picture is
    replaced, the pair counts no more, whatever was decided about it (``artsimilarity.duplicates``).
    """

    model_label = models.CharField(_("model"), max_length=200)
    first = models.CharField(_("primary key of the first"), max_length=200)
    second = models.CharField(_("primary key of the second"), max_length=200)
    first_digest = models.CharField(_("sha256 of the first's file"), max_length=64)
    second_digest = models.CharField(_("sha256 of the second's file"), max_length=64)
    score = models.FloatField(_("score"))
    state = models.CharField(
        _("state"), max_length=20, choices=DuplicateState, default=DuplicateState.FOUND
    )

    class Meta:
        verbose_name = _("pair of duplicates")
        verbose_name_plural = _("pairs of duplicates")
        constraints = [
            models.UniqueConstraint(
                fields=["model_label", "first", "second"], name="artsimilarity_one_pair"
            ),
        ]
        indexes = [models.Index(fields=["model_label", "second"], name="artsimilarity_second")]

    def __str__(self) -> str:
        return f"{self.model_label}: {self.first}, {self.second}"

    def holds(self, digests: Mapping[str, str]) -> bool:
        """Whether both pictures, by key as text, still hold the files that were compared."""
        now = (digests.get(self.first), digests.get(self.second))
        return now == (self.first_digest, self.second_digest)


class SearchAnswer(models.Model):
    """The vector of a visitor's own picture, from the worker that made it to whoever asked.

    Nothing of the picture or of the visitor is in it, and it is gone within a minute.
    """

    id = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField(
        _("created at"), db_default=Now(), editable=False, db_index=True
    )
    vector = models.JSONField(_("vector"), null=True)

    class Meta:
        verbose_name = _("answer to a search by picture")
        verbose_name_plural = _("answers to searches by picture")

    def __str__(self) -> str:
        return str(self.pk)


class ScoreCalibration(models.Model):
    """How the scores of random pairs spread in one library under one recipe.

    See :mod:`artsimilarity.search.score_calibration`, which measures it.
    """

    model_label = models.CharField(_("model"), max_length=200)
    fingerprint = models.CharField(_("recipe"), max_length=64)
    style_quantiles = ArrayField(models.FloatField(), verbose_name=_("quantiles of style"))
    colour_quantiles = ArrayField(models.FloatField(), verbose_name=_("quantiles of colour"))
    pictures = models.PositiveIntegerField(_("pictures that it was measured on"))
    pairs = models.PositiveIntegerField(_("pairs that it was measured on"))
    measured_at = models.DateTimeField(_("measured at"))

    class Meta:
        verbose_name = _("score calibration")
        verbose_name_plural = _("score calibrations")
        constraints = [
            models.UniqueConstraint(
                fields=["model_label", "fingerprint"], name="artsimilarity_one_calibration"
            )
        ]

    def __str__(self) -> str:
        return f"{self.model_label}: {self.fingerprint}"


class RecallMeasurement(models.Model):
    """How many of the ten nearest pictures the index of one library found, at some balances.

    Written when a measurement begins and when it ends (:mod:`artsimilarity.library.recall_history`,
    :mod:`artsimilarity.search.recall`). It holds numbers alone, and names no picture.
    """

    model_label = models.CharField(_("model"), max_length=200)
    fingerprint = models.CharField(_("recipe"), max_length=64)
    index_file = models.BigIntegerField(_("file of the index"))
    # Null: colours alone were searched for in the other one.
    colour_index_file = models.BigIntegerField(
        _("file of the index of colours"), null=True, blank=True
    )
    styles = ArrayField(models.FloatField(), verbose_name=_("balances"))
    candidates = ArrayField(models.PositiveIntegerField(), verbose_name=_("candidates"))
    began_at = models.DateTimeField(_("began at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    recalls = ArrayField(models.FloatField(), verbose_name=_("recall"), default=list, blank=True)
    pictures = models.PositiveIntegerField(_("pictures that it was measured on"), default=0)

    class Meta:
        verbose_name = _("measurement of recall")
        verbose_name_plural = _("measurements of recall")

    def __str__(self) -> str:
        return f"{self.model_label}: {self.began_at}"

    def graph_at(self, style: float) -> Graph:
        """By which graph a balance was searched."""
        has_own_index = style == 0 and self.colour_index_file is not None
        return Graph.COLOUR if has_own_index else Graph.BOTH

    @property
    def lowest(self) -> float:
        """The recall at the balance where it is lowest, 0..1; of a finished measurement."""
        return min(self.recalls)

    @property
    def seconds(self) -> float:
        """How long it took; 0 if it has not ended."""
        return (self.ended_at - self.began_at).total_seconds() if self.ended_at else 0.0


class SweepRecord(models.Model):
    """When workers last looked for what was left behind in one library, and what waited then.

    A row's own columns do not say since when it waits. So some of those that wait are noted here
    with the time, and others only once none of these waits any more
    (:mod:`artsimilarity.library.waiting`).
    """

    model_label = models.CharField(_("model"), max_length=200, unique=True)
    began_at = models.DateTimeField(_("latest sweep began at"), null=True, blank=True)
    swept_at = models.DateTimeField(_("latest sweep was done at"), null=True, blank=True)
    waiting_since = models.DateTimeField(_("some wait since"), null=True, blank=True)
    waiting_keys = ArrayField(
        models.TextField(), verbose_name=_("primary keys of these"), default=list, blank=True
    )

    class Meta:
        verbose_name = _("record of sweeps")
        verbose_name_plural = _("records of sweeps")

    def __str__(self) -> str:
        return f"{self.model_label}: {self.swept_at}"


class SearchSlot(models.Model):
    """One of the places in which searches by a visitor's own picture are worked on.

    There are ``ARTSIMILARITY["SEARCHES_AT_ONCE"]``, whatever the number of web processes. Nothing
    of the picture or of the visitor is in it.
    """

    number = models.PositiveIntegerField(_("number"), primary_key=True)
    taken_at = models.DateTimeField(_("taken at"), null=True, blank=True)

    class Meta:
        verbose_name = _("place for a search by picture")
        verbose_name_plural = _("places for searches by picture")

    def __str__(self) -> str:
        return str(self.number)


class WorkInHand(models.Model):
    """Which worker made a claim: what a killed one had in hand is free once it starts anew.

    See :mod:`artsimilarity.embedding.in_hand`.
    """

    worker = models.CharField(_("worker"), max_length=255)
    started_at = models.FloatField(
        _("start of the worker, in seconds by its own clock"), null=True, blank=True
    )
    model_label = models.CharField(_("model"), max_length=200)
    claimed_at = models.DateTimeField(_("stamp of the claim"))

    class Meta:
        verbose_name = _("work in hand")
        verbose_name_plural = _("work in hand")

    def __str__(self) -> str:
        return f"{self.worker}: {self.model_label}"


class PictureMap(models.Model):
    """The map of one library: when it was made, of what, and how far the making has come.

    See :mod:`artsimilarity.atlas`, which makes it.
    """

    model_label = models.CharField(_("model"), max_length=200, unique=True)
    fingerprint = models.CharField(_("recipe"), max_length=64, blank=True)
    pictures = models.PositiveIntegerField(_("pictures that it was computed from"), default=0)
    made_at = models.DateTimeField(_("made at"), null=True, blank=True)
    progress = models.FloatField(_("progress of the latest making, 0 to 1"), default=0)
    asked_at = models.DateTimeField(_("a sweep asked to make it anew at"), null=True, blank=True)

    class Meta:
        verbose_name = _("map of a library")
        verbose_name_plural = _("maps of libraries")

    def __str__(self) -> str:
        return f"{self.model_label}: {self.made_at}"


class MapPlace(models.Model):
    """Where one picture stands on the map of its library, in both layouts.

    A place is one number: the bits of both coordinates (0 to 65,535, from the left and from above)
    taken in turns, so that the pictures of any square of the map are a range of it
    (:mod:`artsimilarity.atlas.places`).
    """

    model_label = models.CharField(_("model"), max_length=200)
    key = models.CharField(_("primary key"), max_length=200)
    digest = models.TextField(_("sha256 of the file that was placed"), blank=True)
    rank = models.IntegerField(_("who stands for a crowd: the lowest"))
    brushwork = models.BigIntegerField(_("place by brushwork"))
    colours = models.BigIntegerField(_("place by colours"))
    sheet = models.CharField(_("sha256 of its sheet"), max_length=64, blank=True, default="")
    slot = models.PositiveSmallIntegerField(_("slot on the sheet"), default=0)
    width = models.PositiveSmallIntegerField(_("pixels there"), default=0)
    height = models.PositiveSmallIntegerField(_("pixels there, upwards"), default=0)

    class Meta:
        verbose_name = _("place on a map")
        verbose_name_plural = _("places on maps")
        constraints = [
            models.UniqueConstraint(fields=["model_label", "key"], name="artsimilarity_one_place")
        ]
        indexes = [
            models.Index(fields=["model_label", "brushwork"], name="artsimilarity_by_brushwork"),
            models.Index(fields=["model_label", "colours"], name="artsimilarity_by_colours"),
        ]

    def __str__(self) -> str:
        return f"{self.model_label}: {self.key}"


class MapSheet(models.Model):
    """Small versions of some pictures in one file, for the map.

    It is in the database and not beside other files, so that nobody gets it without being asked
    whether all its pictures are theirs to see (:mod:`artsimilarity.atlas.sheets`).
    """

    model_label = models.CharField(_("model"), max_length=200)
    sha256 = models.CharField(_("sha256 of the file"), max_length=64)
    data = models.BinaryField(_("WebP file"))
    keys = ArrayField(models.TextField(), verbose_name=_("primary keys of its pictures"))
    digests = ArrayField(models.TextField(), verbose_name=_("sha256 of these pictures' files"))

    class Meta:
        verbose_name = _("sheet of a map")
        verbose_name_plural = _("sheets of maps")
        constraints = [
            models.UniqueConstraint(
                fields=["model_label", "sha256"], name="artsimilarity_one_sheet"
            )
        ]

    def __str__(self) -> str:
        return f"{self.model_label}: {self.sha256}"
