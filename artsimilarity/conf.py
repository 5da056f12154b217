"""The settings of this app: one dict, ``ARTSIMILARITY``, in the host's settings module.

Every key has a default; an unknown key or a value that cannot work is refused with
:class:`~django.core.exceptions.ImproperlyConfigured`, naming the key.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from artsimilarity.encoder.recipe import Recipe

SETTING = "ARTSIMILARITY"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Typed view of ``settings.ARTSIMILARITY``; the attributes are its keys."""

    #: Dotted path of the Recipe that a library is embedded with, unless it has another already.
    RECIPE: str = "artsimilarity.encoder.recipe.LIKENESS"
    #: Dotted path of the Recipe that "embed_artworks --rollout" brings in; empty for none.
    NEXT_RECIPE: str = ""
    #: Dotted path of the class that turns pictures into vectors; imported by workers only.
    ENCODER: str = "artsimilarity.encoder.encoder.Encoder"
    #: "auto" takes CUDA, else Apple's MPS, else the CPU; or a torch device by name.
    DEVICE: str = "auto"
    #: "auto" computes in float16 on CUDA where the vectors bear it; or "float32", "float16".
    PRECISION: str = "auto"
    #: Threads that one worker process may use, in torch and to decode pictures; None divides the
    #: cores by the pool's processes.
    THREADS: int | None = None
    #: Celery queue of our tasks, of their own so that a flood of uploads starves nobody else's.
    QUEUE: str = "artsimilarity"
    #: Celery queue of searches by a visitor's own picture or a detail, which wait for no upload.
    SEARCH_QUEUE: str = "artsimilarity-search"
    #: Seconds that such a search waits for a worker.
    SEARCH_SECONDS: float = 5.0
    #: As many such searches are worked on at once, in all web processes together.
    SEARCHES_AT_ONCE: int = 8
    #: Bytes of the largest picture to search by.
    SEARCH_MAX_BYTES: int = 20 * 1024 * 1024
    #: Pixels of the largest picture to search by.
    SEARCH_MAX_PIXELS: int = 50_000_000
    #: Bytes of memory that decoding a picture to search by may take.
    SEARCH_MAX_MEMORY: int = 512 * 1024 * 1024
    #: Seconds of processor time that decoding a picture to search by may take.
    SEARCH_MAX_SECONDS: float = 5.0
    #: Pictures to search by that one web process has decoded at once, each by its own process.
    SEARCH_DECODERS: int = 2
    #: Pictures in one task: keep its time well below the broker's visibility timeout.
    CHUNK_SIZE: int = 32
    #: Pictures that go through the network together; None chooses by device.
    BATCH_SIZE: int | None = None
    #: Times a picture may be tried before it is marked failed.
    MAX_ATTEMPTS: int = 3
    #: Seconds after which one task is ended by force, in worker pools that can.
    TIME_LIMIT: int = 900
    #: Seconds after which the sweep takes a picture from a worker that has not finished it.
    CLAIM_SECONDS: int = 1800
    #: Seconds between two looks of the workers for what was left behind; 0 leaves it to beat.
    SWEEP_SECONDS: int = 300
    #: Seconds after which a picture that still waits is reported, by checks, health and the log.
    PENDING_SECONDS: int = 3600
    #: Seconds before the first retry of what may pass (storage, database); doubles each time.
    RETRY_BACKOFF: float = 5.0
    #: Bytes of the largest file that is read.
    MAX_BYTES: int = 1024 * 1024 * 1024
    #: Pixels of the largest picture that is decoded.
    MAX_PIXELS: int = 500_000_000
    #: Bytes of memory that decoding one file may take.
    MAX_MEMORY: int = 1024 * 1024 * 1024
    #: Seconds of processor time that decoding one file may take.
    MAX_SECONDS: float = 20.0
    #: Whether a file whose end is missing is embedded as far as it goes, as browsers show it.
    ACCEPT_DAMAGED: bool = True
    #: Whether a recipe that looks for the picture's own area within its scan does so; False takes
    #: whole scans, but for areas given by hand.
    FIND_AREA: bool = True
    #: Files that one worker process has decoded at once, each by a process of its own; None takes
    #: as many as it has threads.
    DECODERS: int | None = None
    #: Balance of a search that names none: 1 is style alone, 0 is colour alone.
    STYLE: float = 0.9
    #: Neighbours that a search returns when it names no number.
    LIMIT: int = 8
    #: The most neighbours that one search returns.
    MAX_LIMIT: int = 48
    #: Links of each row in the HNSW index (its m): more find more, and take longer to build.
    #: After a change run build_similarity_index.
    HNSW_M: int = 16
    #: Candidates with which the HNSW index is built (its ef_construction), at least twice HNSW_M.
    HNSW_EF_CONSTRUCTION: int = 256
    #: Whether the colour block has an HNSW index of its own: searches by colours alone find more in
    #: less time, and indexes take a third more space. After a change run build_similarity_index.
    COLOUR_INDEX: bool = True
    #: Seconds for which searches are remembered; 0 is never.
    CACHE_SECONDS: int = 0
    #: Name of the cache, in CACHES, that remembers them.
    CACHE: str = "default"
    #: How much neighbours should differ from each other: 0 not at all, 1 above all.
    DIVERSIFY: float = 0.0
    #: Candidates HNSW keeps in hand (hnsw.ef_search), at least: more finds more and takes longer.
    EF_SEARCH: int = 100
    #: The same for searches that lean on colour (style below 0.1), whose ties are closer.
    EF_SEARCH_COLOUR: int = 170
    #: Where filters keep no more rows than this, a search compares with all of them.
    EXACT_ROWS: int = 3000
    #: Whether the index is asked for more where a filter left too few (hnsw.iterative_scan).
    ITERATIVE_SCAN: str = "strict_order"
    #: Share of the ten nearest, 0..1, below which the index is reported; 0 ends the measuring.
    RECALL_AT_LEAST: float = 0.9
    #: Share for which more candidates are taken than EF_SEARCH says, where it was measured so.
    RECALL_AIM: float = 0.98
    #: Seconds that the daily measurement of that share may take, for each 200,000 pictures.
    RECALL_SECONDS: float = 20.0
    #: Whether a search shows only the nearest of several scans of one print, unless it says itself.
    HIDE_DUPLICATES: bool = False
    #: Correlation, 0..1, from which two pictures count as scans of one print (docs/duplicates.md).
    DUPLICATE_SCORE: float = 0.92
    #: Dotted path of what gives a picture's thumbnail: a class or a function (docs/thumbnails.md).
    THUMBNAILS: str = "artsimilarity.library.stored_thumbnails.StoredThumbnails"
    #: Which of STORAGES keeps the thumbnails that are made here; empty for the pictures' own.
    THUMBNAIL_STORAGE: str = ""
    #: Seconds that one page waits, in all, for thumbnails that are not there yet.
    THUMBNAIL_SECONDS: float = 0.5
    #: Whether workers make the thumbnails of what they have embedded, before a page asks for them.
    WORKER_THUMBNAILS: bool = True
    #: Where anybody may see no more pictures than this, workers make an outdated map anew by
    #: themselves; 0 leaves it to "make_map".
    REMAKE_MAP_UP_TO: int = 0

    def __post_init__(self) -> None:
        positive = (
            *("CHUNK_SIZE", "MAX_ATTEMPTS", "MAX_BYTES", "MAX_PIXELS", "TIME_LIMIT"),
            *("PENDING_SECONDS", "SEARCHES_AT_ONCE", "SEARCH_DECODERS"),
            *("SEARCH_MAX_BYTES", "SEARCH_MAX_PIXELS"),
        )
        self._require("SWEEP_SECONDS", self.SWEEP_SECONDS >= 0, "must be 0 or more")
        for key in positive:
            self._require(key, getattr(self, key) >= 1, "must be 1 or more")
        later = self.CLAIM_SECONDS > self.TIME_LIMIT
        self._require("CLAIM_SECONDS", later, f"must be more than TIME_LIMIT ({self.TIME_LIMIT})")
        least = 64 * 1024 * 1024
        for key in ("MAX_MEMORY", "SEARCH_MAX_MEMORY"):
            self._require(key, getattr(self, key) >= least, f"must be {least} or more")
        for key in ("MAX_SECONDS", "SEARCH_MAX_SECONDS"):
            self._require(key, getattr(self, key) > 0, "must be more than 0")
        for key in ("BATCH_SIZE", "THREADS", "DECODERS"):
            value = getattr(self, key)
            self._require(key, value is None or value >= 1, "must be None, 1 or more")
        for key in ("EF_SEARCH", "EF_SEARCH_COLOUR"):
            self._require(key, 1 <= getattr(self, key) <= 1000, "must lie between 1 and 1000")
        kinds = ("auto", "float32", "float16")
        self._require("PRECISION", self.PRECISION in kinds, f"must be one of {kinds}")
        known = ("strict_order", "relaxed_order", "off")
        self._require("ITERATIVE_SCAN", self.ITERATIVE_SCAN in known, f"must be one of {known}")
        self._require("HNSW_M", 2 <= self.HNSW_M <= 100, "must lie between 2 and 100")
        least = max(4, 2 * self.HNSW_M)
        fits = least <= self.HNSW_EF_CONSTRUCTION <= 1000
        self._require("HNSW_EF_CONSTRUCTION", fits, "must lie between twice HNSW_M and 1000")
        self._require("REMAKE_MAP_UP_TO", self.REMAKE_MAP_UP_TO >= 0, "must be 0 or more")
        self._require("CACHE_SECONDS", self.CACHE_SECONDS >= 0, "must be 0 or more")
        self._require("DIVERSIFY", 0 <= self.DIVERSIFY <= 1, "must lie between 0 and 1")
        self._require("EXACT_ROWS", self.EXACT_ROWS >= 0, "must be 0 or more")
        share = 0 <= self.RECALL_AT_LEAST <= 1
        self._require("RECALL_AT_LEAST", share, "must lie between 0 and 1")
        self._require("RECALL_AIM", 0 <= self.RECALL_AIM <= 1, "must lie between 0 and 1")
        self._require("RECALL_SECONDS", self.RECALL_SECONDS > 0, "must be more than 0")
        self._require("LIMIT", 1 <= self.LIMIT <= self.MAX_LIMIT, "must lie in 1..MAX_LIMIT")
        self._require("MAX_LIMIT", self.MAX_LIMIT <= 1000, "must be 1000 or less")
        self._require("STYLE", 0 <= self.STYLE <= 1, "must lie between 0 and 1")
        self._require("DUPLICATE_SCORE", 0 < self.DUPLICATE_SCORE <= 1, "must lie in 0..1, over 0")
        self._require("SEARCH_SECONDS", self.SEARCH_SECONDS > 0, "must be more than 0")
        self._require("THUMBNAIL_SECONDS", self.THUMBNAIL_SECONDS >= 0, "must be 0 or more")
        self._require("RETRY_BACKOFF", self.RETRY_BACKOFF >= 0, "must be 0 or more")

    def _require(self, key: str, holds: bool, what: str) -> None:
        if not holds:
            value = getattr(self, key)
            raise ImproperlyConfigured(f"{SETTING}[{key!r}] {what}, not {value!r}.")

    @property
    def recipe(self) -> Recipe:
        """The recipe that ``RECIPE`` names.

        Raises:
            ImproperlyConfigured: it cannot be imported or is no ``Recipe``.
        """
        return self._import_recipe("RECIPE")

    @property
    def next_recipe(self) -> Recipe | None:
        """The recipe that ``NEXT_RECIPE`` names, if any; raises as ``recipe`` does."""
        return self._import_recipe("NEXT_RECIPE") if self.NEXT_RECIPE else None

    @property
    def named_recipes(self) -> tuple[Recipe, ...]:
        """The recipe, and the next one if there is one; raises as ``recipe`` does."""
        return tuple(filter(None, (self.recipe, self.next_recipe)))

    def _import_recipe(self, key: str) -> Recipe:
        path = getattr(self, key)
        try:
            recipe = import_string(path)
        except ImportError as error:
            raise ImproperlyConfigured(
                f"{SETTING}[{key!r}] = {path!r} cannot be imported: {error}"
            ) from error
        if not isinstance(recipe, Recipe):
            raise ImproperlyConfigured(
                f"{SETTING}[{key!r}] = {path!r} is a {type(recipe).__name__}; name an "
                f"instance of artsimilarity.encoder.recipe.Recipe."
            )
        return recipe


@cache
def get_settings() -> Settings:
    """Return the settings in force; read once, and again when a test overrides them.

    Raises:
        ImproperlyConfigured: ``settings.ARTSIMILARITY`` has an unknown key, a value of the wrong
            type or one out of range.
    """
    given = getattr(django_settings, SETTING, {})
    if not isinstance(given, dict):
        raise ImproperlyConfigured(f"{SETTING} must be a dict, not {type(given).__name__}.")
    known = {field.name: field for field in fields(Settings)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ImproperlyConfigured(
            f"{SETTING} has unknown keys {', '.join(unknown)}; known are {', '.join(known)}."
        )
    for key, value in given.items():
        _check_type(key, value, known[key].default)
    return Settings(**given)


def _check_type(key: str, value: Any, default: Any) -> None:
    if default is None:
        allowed: tuple[type, ...] = (int, type(None))
    elif isinstance(default, float):
        allowed = (int, float)
    else:
        allowed = (type(default),)
    mistaken = isinstance(value, bool) and bool not in allowed  # Python takes True for a number
    if not isinstance(value, allowed) or mistaken:
        names = " or ".join(kind.__name__ for kind in allowed)
        raise ImproperlyConfigured(f"{SETTING}[{key!r}] must be {names}, not {value!r}.")


@receiver(setting_changed)
def _forget_settings(*, setting: str, **kwargs: Any) -> None:
    if setting == SETTING:
        get_settings.cache_clear()
