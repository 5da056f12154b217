"""What was measured of the index's recall, who measures next, and what an administrator is told.

Recall is the share of the ten nearest pictures that the index finds; :mod:`artsimilarity.search`
measures it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from artsimilarity.conf import get_settings
from artsimilarity.library.index_build import VectorIndex
from artsimilarity.library.library import Library
from artsimilarity.schema.indexes import Graph, candidates_setting
from artsimilarity.schema.tables import RecallMeasurement, SweepRecord

MAX_AGE = timedelta(days=1)
"""After this time recall is measured anew."""

KEPT = 30
"""Measurements of one library that are kept, the latest."""

# A changed index or setting is measured at the next sweep, but no more often than this: workers
# whose settings differ would take turns.
_LEAST_AGE = timedelta(minutes=10)
# RECALL_SECONDS are for so many pictures: comparing with twice as many takes twice as long.
_PICTURES_AT_ONCE = 200_000
# Beyond its time a measurement may take so many more; one that takes longer has been killed.
_GRACE_SECONDS = 60
# Among so many pictures more links than HNSW_M's default find more with as many candidates: among
# a million up to .011 more of the ten nearest (docs/benchmarks.md).
_MANY_PICTURES, _LINKS_FOR_MANY = 300_000, 24
# Of fewer pictures one unlucky page decides, so nobody is alarmed by it.
_TELLING = 5


@dataclass(frozen=True, kw_only=True)
class RecallHistory:
    """The measurements of one library.

    Attributes:
        now: when they were read, by the database's clock, as all times of theirs.
        attempts: latest first, also those that are under way or came to no result.
        library: whose they are.
    """

    now: datetime
    attempts: tuple[RecallMeasurement, ...]
    library: Library

    @property
    def latest(self) -> RecallMeasurement | None:
        """The latest measurement that came to a result, of whichever recipe."""
        return next((one for one in self.attempts if one.pictures), None)

    @property
    def trend(self) -> list[RecallMeasurement]:
        """The measurements under the recipe of the latest, oldest first; ``KEPT`` at most."""
        last = self.latest
        same = (one for one in self.attempts if last and one.fingerprint == last.fingerprint)
        return [one for one in same if one.pictures][::-1]

    @property
    def is_under_way(self) -> bool:
        """Whether somebody measures now; one that was killed does not count for long."""
        begun = [one.began_at for one in self.attempts if one.ended_at is None]
        if not begun:
            return False
        longest = timedelta(seconds=seconds_for(self.library) + _GRACE_SECONDS)
        return max(begun) > self.now - longest

    @property
    def has_failed(self) -> bool:
        """Whether the latest try came to no result in the time that it may take."""
        return bool(self.attempts) and not self.attempts[0].pictures and not self.is_under_way


def seconds_for(library: Library) -> float:
    """Return how many seconds a measurement of a library may take, by its size.

    ``ARTSIMILARITY["RECALL_SECONDS"]``, or in proportion more from 200,000 pictures on.
    """
    share = max(1.0, library.estimated_rows() / _PICTURES_AT_ONCE)
    return get_settings().RECALL_SECONDS * share


def is_due(library: Library, planned: RecallMeasurement) -> bool:
    """Whether a measurement as planned would tell anything new.

    That is so after a day, and where the recipe, the index or ``EF_SEARCH`` is another than at the
    last one, whether that came to a result or not.

    Args:
        library: that is measured.
        planned: not saved; says what would be measured.
    """
    return _is_due(read(library), planned)


def begin(library: Library, planned: RecallMeasurement, *, only_if_due: bool) -> bool:
    """Save a planned measurement as begun; False if another is under way.

    Of several workers that come at once one begins: they take turns at the library's record of
    sweeps, for the moment that this takes.

    Args:
        library: that is measured.
        planned: not saved.
        only_if_due: refuse also where :func:`is_due` says no.
    """
    with transaction.atomic(using=library.using):
        records = SweepRecord.objects.using(library.using)
        records.get_or_create(model_label=library.label)
        record = records.select_for_update().annotate(now=Now()).get(model_label=library.label)
        known = read(library)
        if known.is_under_way or (only_if_due and not _is_due(known, planned)):
            return False
        planned.began_at = record.now
        planned.save(using=library.using)
    return True


def end(
    library: Library, measurement: RecallMeasurement, *, recalls: Sequence[float], pictures: int
) -> None:
    """Note what a measurement found, and forget the oldest.

    Args:
        library: that was measured.
        measurement: that was begun.
        recalls: 0..1, one for each of its balances; none if it came to nothing.
        pictures: on how many it was measured.
    """
    measurement.recalls, measurement.pictures = list(recalls), pictures
    measurement.ended_at = Now()  # until it is read back
    measurement.save(
        using=library.using, update_fields=["recalls", "candidates", "pictures", "ended_at"]
    )
    measurement.refresh_from_db(using=library.using, fields=["ended_at"])
    kept = _attempts(library).order_by("-began_at", "-pk").values_list("pk", flat=True)[:KEPT]
    _attempts(library).exclude(pk__in=list(kept)).delete()


def read(library: Library) -> RecallHistory:
    """Return what was noted of a library so far, by one query."""
    attempts = tuple(_attempts(library).annotate(now=Now()).order_by("-began_at", "-pk"))
    now = attempts[0].now if attempts else timezone.now()
    return RecallHistory(now=now, attempts=attempts, library=library)


def is_of_present_indexes(library: Library, measurement: RecallMeasurement) -> bool:
    """Whether none of a library's indexes was built anew, added or dropped since a measurement."""
    return index_files(library) == (measurement.index_file, measurement.colour_index_file)


def index_files(library: Library) -> tuple[int | None, int | None]:
    """Return the files of the index that is served and of that of the colours; None for none."""
    files = {index.graph: index.file() for index in VectorIndex.serving(library).with_others()}
    return files[Graph.BOTH], files.get(Graph.COLOUR)


def problems_of(library: Library, known: RecallHistory | None = None) -> list[str]:
    """Return what is wrong with recall, in words for an administrator that say what to do.

    Nothing, where ``ARTSIMILARITY["RECALL_AT_LEAST"]`` is 0, where fewer than five pictures could
    be compared in time, and where the index was built anew since: it is measured soon.

    Args:
        library: to look at.
        known: what :func:`read` has just said.
    """
    least = get_settings().RECALL_AT_LEAST
    last = _found_too_few(library, known or read(library), least)
    if last is None:
        return []
    style, recall, candidates = _worst(last)
    words = _(
        "The index of %(model)s finds %(recall).1f %% of the ten nearest pictures at style "
        "%(style)g with %(candidates)d candidates (measured on %(pictures)d pictures at %(when)s "
        "UTC); ARTSIMILARITY['RECALL_AT_LEAST'] asks for %(least).1f %%. Run 'manage.py "
        "build_similarity_index --rebuild', if need be with a higher HNSW_M, or set a higher "
        "%(setting)s. Workers then measure it again by themselves; 'manage.py measure_recall' does "
        "so at once."
    )
    values = {
        "model": library.name,
        "recall": 100 * recall,
        "style": style,
        "candidates": candidates,
        "pictures": last.pictures,
        "when": f"{last.began_at:%F %H:%M}",
        "least": 100 * least,
        "setting": candidates_setting(style, last.graph_at(style)),
    }
    return [words % values]


def hints_of(library: Library) -> list[str]:
    """Return what would bring a large library nearer to ``ARTSIMILARITY["RECALL_AIM"]``, in words.

    Candidates are chosen by themselves; links are what an administrator must set.
    """
    settings, rows = get_settings(), library.estimated_rows()
    if settings.HNSW_M >= _LINKS_FOR_MANY or rows < _MANY_PICTURES:
        return []
    last = _found_too_few(library, read(library), settings.RECALL_AIM)
    if last is None:
        return []
    style, recall, _candidates = _worst(last)
    words = _(
        "The index of %(model)s finds %(recall).1f %% of the ten nearest pictures at style "
        "%(style)g; among so many pictures (%(rows)d) more links may find more. Set "
        "ARTSIMILARITY['HNSW_M'] to %(links)d and run 'manage.py build_similarity_index'."
    )
    values = {
        "model": library.name,
        "recall": 100 * recall,
        "style": style,
        "rows": rows,
        "links": _LINKS_FOR_MANY,
    }
    return [words % values]


def _found_too_few(
    library: Library, known: RecallHistory, least: float
) -> RecallMeasurement | None:
    """The latest measurement, if it found less and is of the present indexes."""
    last = known.latest
    if last is None or last.pictures < _TELLING or last.lowest >= least:
        return None
    return last if is_of_present_indexes(library, last) else None


def _worst(measured: RecallMeasurement) -> tuple[float, float, int]:
    """The balance at which the least was found: its style, recall and candidates."""
    each = zip(measured.styles, measured.recalls, measured.candidates, strict=True)
    return min(each, key=lambda one: one[1])


def _attempts(library: Library) -> models.QuerySet[RecallMeasurement]:
    return RecallMeasurement.objects.using(library.using).filter(model_label=library.label)


def _is_due(known: RecallHistory, planned: RecallMeasurement) -> bool:
    if not known.attempts:
        return True
    last = known.attempts[0]
    age = known.now - last.began_at
    return age > MAX_AGE or (age > _LEAST_AGE and not _is_about_the_same(last, planned))


def _is_about_the_same(one: RecallMeasurement, other: RecallMeasurement) -> bool:
    about = ("fingerprint", "index_file", "colour_index_file", "styles", "candidates")
    return all(getattr(one, name) == getattr(other, name) for name in about)
