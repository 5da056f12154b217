"""For hosts' tests: settings for one test, and embeddings without a worker, weights or torch.

Nothing of the app imports this. Whatever embeds needs numpy, which the extra ``worker`` brings; the
settings need nothing.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model
from django.test import override_settings

from artsimilarity.conf import SETTING, get_settings
from artsimilarity.embedding.pipeline import embed
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.library import Library

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["QuickEncoder", "embed_pending", "override_artsimilarity", "use_quick_encoder"]


class override_artsimilarity(override_settings):
    """Changes keys of ``settings.ARTSIMILARITY`` and leaves the others as they are.

    Like Django's ``override_settings``: a context manager, or a decorator of a test function or a
    ``SimpleTestCase``; they may stand inside one another.

    Args:
        keys: Those of ``docs/settings.md``.

    Raises:
        django.core.exceptions.ImproperlyConfigured: On entering, where a key is unknown or has a
            value that cannot work; the settings are then as before.
    """

    def __init__(self, **keys: Any) -> None:
        super().__init__()
        self._keys = keys

    def enable(self) -> None:
        """Merge the keys into the settings that are in force now."""
        self.options = {SETTING: {**getattr(django_settings, SETTING, {}), **self._keys}}
        super().enable()
        try:
            get_settings()
        except ImproperlyConfigured:
            self.disable()
            raise

    def save_options(self, test_func: Any) -> None:
        """Merge the keys into those that a test class has by its bases or another decorator."""
        inherited = getattr(test_func, "_overridden_settings", None) or {}
        before = inherited.get(SETTING, getattr(django_settings, SETTING, {}))
        self.options = {SETTING: {**before, **self._keys}}
        super().save_options(test_func)


def use_quick_encoder() -> override_artsimilarity:
    """Embeds with :class:`QuickEncoder`: a context manager or a decorator, as above."""
    return override_artsimilarity(ENCODER=f"{__name__}.{QuickEncoder.__name__}")


def embed_pending(model: type[Model], *, using: str | None = None) -> int:
    """Embeds here and now what waits for a worker, as a worker would.

    A picture that cannot be embedded is marked failed, or stays pending where the reason may pass.

    Args:
        model: The host's picture model.
        using: Database alias; None takes the one that the model is written to.

    Returns:
        Pictures that have got their vector.
    """
    library = Library(model, using) if using else Library.of(model)
    pks = list(library.rows.pending().values_list("pk", flat=True))
    return len(embed(library, pks).embedded)


class QuickEncoder:
    """Vectors of any recipe in a millisecond, made of what small drawn pictures differ in.

    The colour block holds the picture's real colours. The style block holds the brightness of its
    patches, row by row, so that pictures laid out alike are alike; it says nothing of brushwork.
    Vectors of two recipes have nothing in common, as with the encoder that this one stands in for.

    Args:
        recipe: Whose dimensions the vectors have; its weights are never read.
        options: What workers pass to every encoder; without effect here.
    """

    batch_size = 4

    def __init__(self, recipe: Recipe, **options: Any) -> None:
        self.recipe = recipe

    def encode(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Embeds pictures.

        Args:
            pictures: sRGB values, each of shape (side, side, 3), uint8.

        Returns:
            Shape (pictures, dimensions), float32; each block has length 1.
        """
        import numpy as np  # for those that only change settings, who may not have it

        return np.stack([self._encode_one(picture) for picture in pictures])

    def _encode_one(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        import numpy as np

        # The module imports numpy, too.
        from artsimilarity.encoder.blocks.colour import colour_histogram

        wanted = self.recipe.style_dimensions
        patches = math.isqrt(wanted)  # along each side
        edges = np.arange(patches) * picture.shape[0] // patches
        sums = np.add.reduceat(picture.mean(axis=2), edges, axis=0)
        sums = np.add.reduceat(sums, edges, axis=1)
        heights = np.diff(edges, append=picture.shape[0])
        brightness = (sums / np.outer(heights, heights)).ravel() + 1  # a black one, too, has length
        style = np.zeros(wanted)
        style[: brightness.size] = brightness * self._signs(brightness.size)
        colour = colour_histogram(picture, self.recipe.colour_bins)
        return np.concatenate([style / np.linalg.norm(style), colour]).astype(np.float32)

    def _signs(self, count: int) -> NDArray[np.int_]:
        """One sign for each value: the same within a recipe, whose distances they leave alone."""
        import numpy as np

        random = np.random.default_rng(zlib.crc32(self.recipe.fingerprint.encode()))
        return random.choice((-1, 1), count)
