"""Queries on a model with an embedding: who is near, and who still needs work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.apps import apps
from django.db import models
from django.db.models import BooleanField, Case, Exists, F, Func, Q, Subquery, Value, When
from django.db.models.functions import Cast
from pgvector.django import HalfVectorField, MaxInnerProduct, VectorField

from artsimilarity.conf import get_settings
from artsimilarity.encoder.recipe import block_sizes
from artsimilarity.status import EmbeddingStatus, RolloutState

if TYPE_CHECKING:
    from artsimilarity.models import SimilarityMixin
    from artsimilarity.recipes import Plan

_M = TypeVar("_M", bound=models.Model)

# Below this style the colour block decides, and its many near-ties need more candidates.
_LEANS_ON_COLOUR = 0.1


class SetConfig(Func):
    """A condition that is always true and sets a server setting for the query's transaction.

    Postgres evaluates an uncorrelated subquery once, as a gate before the first row, and pgvector
    reads its settings when the index scan starts. So the setting travels inside the query itself:
    no ``SET LOCAL`` of its own, no ``atomic()`` around a lazy queryset, nothing left behind in a
    pooled connection.
    """

    template = "(SELECT set_config(%(expressions)s, true)) IS NOT NULL"
    output_field = BooleanField()

    def __init__(self, name: str, value: str) -> None:
        super().__init__(Value(name), Value(value))


class _Multiply(Func):
    """Element by element product of two vectors."""

    template = "(%(expressions)s)"
    arg_joiner = " * "


def order_by_similarity(
    queryset: models.QuerySet[_M],
    picture: SimilarityMixin,
    *,
    style: float | None = None,
    exact: bool = False,
) -> models.QuerySet[_M]:
    """Return ``queryset``'s pictures, nearest to ``picture`` first, as one lazy query.

    The picture's vector never leaves the database: the query reads it by primary key, weighs its
    two blocks, and asks the HNSW index. A picture without an embedding has no neighbours. Only
    vectors of the picture's own recipe are compared with it, and the picture itself is left out.

    Args:
        queryset: any queryset of the picture's model, not sliced; filters and joins compose. An
            ``order_by`` is replaced: a second sort key would disable the index.
        picture: a saved instance.
        style: weight of the style block, 0..1; the colour block gets the rest. None takes
            ``ARTSIMILARITY["STYLE"]``.
        exact: compare with every row instead of asking the index.

    Returns:
        The queryset annotated with ``similarity_style`` and ``similarity_colour`` (cosine of the
        style blocks and Hellinger affinity of the colour blocks, at most 1) and ``similarity``,
        their weighted mean, by which it is ordered.

    Raises:
        ValueError: ``style`` lies outside 0..1, or the picture is not saved.
        TypeError: the picture is of another model.
    """
    settings = get_settings()
    style = settings.STYLE if style is None else style
    if not 0 <= style <= 1:
        raise ValueError(
            f"style must lie between 0 (colour alone) and 1 (style alone), not {style}."
        )
    if not isinstance(picture, queryset.model._meta.concrete_model or queryset.model):
        raise TypeError(
            f"similar_to() on {queryset.model.__name__} needs a {queryset.model.__name__}, "
            f"not a {type(picture).__name__}."
        )
    style = round(style, 4)  # nobody sees less, and next to nothing times a small value underflows
    if picture.pk is None:
        raise ValueError("similar_to() needs a saved picture: this one has no primary key yet.")

    style_size, colour_size = block_sizes(picture.embedding_recipe or settings.recipe.fingerprint)
    target = type(picture)._base_manager.filter(pk=picture.pk, embedding__isnull=False)
    found = _Target(target, style_size + colour_size)
    if exact:
        found = _PromotedTarget(target, style_size + colour_size)
    else:
        ef_search = settings.EF_SEARCH_COLOUR if style < _LEANS_ON_COLOUR else settings.EF_SEARCH
        queryset = queryset.filter(
            SetConfig("hnsw.ef_search", str(ef_search)),
            SetConfig("hnsw.iterative_scan", "strict_order"),
        )
    weights = [style] * style_size + [1 - style] * colour_size
    distance = MaxInnerProduct(found.row, found.weighted(weights))
    ordered: models.QuerySet[_M] = (
        # The first condition is a gate: without a vector the index is not even opened.
        queryset.filter(Exists(target), found.same_recipe)
        .exclude(pk=picture.pk)
        .alias(_distance=distance)
        .annotate(
            similarity=Value(-1.0) * F("_distance"),
            similarity_style=found.block_product(1, style_size),
            similarity_colour=found.block_product(style_size + 1, colour_size),
        )
        .order_by("_distance")
    )
    return ordered


class _Target:
    """The picture whose neighbours are wanted, as expressions over its row and the others'."""

    def __init__(self, target: models.QuerySet[Any], dimensions: int) -> None:
        self._field = HalfVectorField(dimensions=dimensions)
        self.recipe = Subquery(target.values("embedding_recipe"))
        self.vector: Any = Subquery(target.values("embedding"))
        self.row: Any = F("embedding")  # the bare column, which is what the index knows
        self.same_recipe = Q(embedding__isnull=False, embedding_recipe=self.recipe)

    def weighted(self, weights: list[float]) -> Any:
        """The picture's vector times ``weights``, value by value.

        In single precision: pgvector refuses a product of two half ones that rounds to zero.
        """
        single = VectorField(dimensions=len(weights))
        literal = Cast(Value(weights, output_field=single), single)
        product = _Multiply(Cast(self.vector, single), literal, output_field=single)
        return Cast(product, self._field)

    def block_product(self, start: int, size: int) -> Any:
        """Inner product of one block (1-based ``start``) of a row's vector and the picture's."""
        field = HalfVectorField(dimensions=size)
        blocks = [
            Func(side, Value(start), Value(size), function="subvector", output_field=field)
            for side in (self.row, self.vector)
        ]
        return Value(-1.0) * MaxInnerProduct(*blocks)


class _PromotedTarget(_Target):
    """The same for an exact scan, which no index restricts to one column.

    While a new recipe is being promoted, every picture has its vector of that recipe in either of
    the two columns: so the whole library can be compared under it, not just the part that has
    moved, and a page is full at any moment.
    """

    def __init__(self, target: models.QuerySet[Any], dimensions: int) -> None:
        super().__init__(target, dimensions)
        rollouts = apps.get_model("artsimilarity", "Rollout")._default_manager.filter(
            model_label=target.model._meta.label, state=RolloutState.PROMOTING
        )
        moving = Exists(rollouts) & Q(embedding_next__isnull=False)
        self.recipe = Subquery(target.values(_r=_choose(moving, "embedding", "_recipe")))
        self.vector = Subquery(target.values(_v=_choose(moving, "embedding", "")))
        served = Q(embedding__isnull=False, embedding_recipe=self.recipe)
        self.row = Case(
            When(served, then=F("embedding")),
            default=F("embedding_next"),
            output_field=self._field,
        )
        self.same_recipe = served | Q(
            embedding_next__isnull=False, embedding_next_recipe=self.recipe
        )


def _choose(moving: Any, name: str, suffix: str) -> Case:
    """The column of the next recipe where a promotion is moving it, else the served one's."""
    return Case(When(moving, then=F(f"{name}_next{suffix}")), default=F(f"{name}{suffix}"))


class SimilarityQuerySet(models.QuerySet[_M]):
    """The queryset of :class:`~artsimilarity.models.SimilarityMixin`; hosts may inherit from it."""

    def similar_to(self, picture: SimilarityMixin, style: float | None = None) -> Self:
        """Return these pictures, nearest to ``picture`` first; slice it to the number you show.

        See :func:`order_by_similarity` for arguments, annotations and errors.
        """
        return order_by_similarity(self, picture, style=style)  # type: ignore[return-value]

    def with_picture(self) -> Self:
        """Return the rows that hold a picture at all."""
        name = self._image_field
        return self.exclude(Q(**{name: ""}) | Q(**{f"{name}__isnull": True}))

    def pending(self) -> Self:
        """Return the rows whose present picture is not embedded and has not failed.

        Rows that ``bulk_create()`` or ``update()`` changed behind the signals' back are among
        them: the file that the embedding speaks of is no longer the file in the image field.
        """
        replaced = ~Q(embedding_image=F(self._image_field))
        return self.with_picture().filter(Q(embedding_status=EmbeddingStatus.PENDING) | replaced)

    def ready(self) -> Self:
        """Return the rows whose present picture is embedded."""
        return self._settled(EmbeddingStatus.READY)

    def unfilled(self, fingerprint: str) -> Self:
        """Return the embedded rows that lack the vector of the recipe being rolled out.

        Without those that were tried often enough: their pictures cannot be embedded any more.
        """
        rows = self.ready().exclude(embedding_next_recipe=fingerprint)
        return rows.filter(embedding_attempts__lt=get_settings().MAX_ATTEMPTS)

    def to_do(self, plan: Plan) -> Self:
        """Return the rows that a worker has to look at under ``plan``."""
        if plan.next is None:
            return self.pending()
        return self.pending() | self.unfilled(plan.next.fingerprint)

    def failed(self) -> Self:
        """Return the rows whose present picture could not be embedded."""
        return self._settled(EmbeddingStatus.FAILED)

    def stale(self) -> Self:
        """Return the embedded rows whose vector comes from another recipe than the one in force."""
        fingerprint = get_settings().recipe.fingerprint
        return self.filter(embedding__isnull=False).exclude(embedding_recipe=fingerprint)

    def _settled(self, status: EmbeddingStatus) -> Self:
        return self.with_picture().filter(
            embedding_status=status, embedding_image=F(self._image_field)
        )

    @property
    def _image_field(self) -> str:
        return self.model.similarity_image_field  # type: ignore[attr-defined, no-any-return]


_FromQuerySet = models.Manager.from_queryset(SimilarityQuerySet)


class SimilarityManager(_FromQuerySet[_M]):
    """Leaves the two vectors in the database: an ordinary page never loads them."""

    def get_queryset(self) -> SimilarityQuerySet[_M]:
        """All rows, without their vectors; ``defer(None)`` loads them."""
        rows: Any = super().get_queryset()  # the stubs forget the queryset's class
        deferred: SimilarityQuerySet[_M] = rows.defer("embedding", "embedding_next")
        return deferred
