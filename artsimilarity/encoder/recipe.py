"""What determines a vector: a frozen recipe and its fingerprint. Standard library only."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Final, Literal

# Raised whenever pictures/ may turn the same file into other pixels: vectors made before and after
# such a change must never be compared.
DECODING_VERSION: Final = 2

# Raised whenever another area may be found in the same scan, or be taken from other pixels of it,
# for the same reason.
AREA_VERSION: Final = "2"

FINGERPRINT_MAX_LENGTH: Final = 64

# What a recipe says of a file that it does without.
NONE: Final = "none"

# What ``Recipe.weights`` says for torchvision's VGG19_Weights.IMAGENET1K_V1.
IMAGENET: Final = "imagenet"

# Channels of every ReLU layer of VGG-19 (K. Simonyan and A. Zisserman, 2014), in their order.
CHANNELS: Final = {
    f"relu{block}_{place}": channels
    for block, (count, channels) in enumerate(
        [(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)], start=1
    )
    for place in range(1, count + 1)
}

# An area of half the scan's width still has as many pixels as the square.
_SHEET_FACTOR: Final = 2

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_NAME_MAX_LENGTH: Final = 32
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_FINGERPRINT: Final = re.compile(
    rf"(?P<name>{_NAME.pattern})-(?P<style>[1-9][0-9]{{0,5}})\+(?P<colour>[1-9][0-9]{{0,5}})"
    r"-(?P<digest>[0-9a-f]{16})"
)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that determines a vector, apart from the picture.

    A vector is a style block and a colour block side by side, each scaled to length 1: only so is
    their balance free at query time. Vectors of recipes with different fingerprints are never
    comparable.

    The style block: the square goes through VGG-19 up to ``layer``; its channels are reduced; their
    Gram matrix is made, pooled, laid out as values and rooted; the means are appended; the whole is
    scaled to length 1 and projected. Statistics of a deeper network may join it. The fields that
    came after the first recipe default to what ``ART`` does.

    Attributes:
        name: Short slug (lower-case letters, digits, single hyphens; at most 32 characters).
        side: Width and height in pixels of the square that every picture is squashed to.
        channel_mean: Mean of the red, green and blue channel, in [0, 1], that is subtracted.
        channel_std: Standard deviation of each channel, in (0, 1], that is divided by.
        layer: ReLU layer of VGG-19 that is described, in the form ``relu3_1``; or several joined
            by ``+``, such as ``relu2_1+relu3_1``, whose values are laid one after the other.
        weights: File name of weights inside the package's ``weights`` folder; or ``imagenet`` for
            torchvision's, which ``fetch_weights`` gets; or the path of a safetensors file.
        weights_sha256: Digest of that file, of ``imagenet`` that of torchvision's download: 64
            hexadecimal digits.
        reduced_channels: Channels of the layer after the 1 x 1 reduction that the weights hold;
            None for no reduction.
        centred: Whether each channel's mean is subtracted before the Gram matrix is made, which
            makes a covariance of it.
        gram_pool: p of the p x p max pooling of the Gram matrix; 1 pools nothing.
        triangle: Whether only the upper triangle of the Gram matrix is kept, off-diagonal values
            times sqrt(2); otherwise it is flattened whole.
        root_offset: e in the signed square root, ``sign(x) * (sqrt(|x| + e) - sqrt(e))``; None
            leaves the values as they are.
        means: Whether the channels' means are appended.
        projection: ``weights`` for the linear projection that the weights hold, ``random`` for a
            Gaussian one drawn from ``seed``, ``whitened`` for one fitted on a site's own pictures
            (``whitened()`` makes such a recipe), ``none``.
        style_dimensions: Values of the style block; without a projection, those there are.
        colour_bins: n of the n x n x n cubes of RGB space that are counted.
        colour_sample: Pixels that are counted, at places drawn from ``seed`` and the same in every
            picture; None counts all.
        colour_root: Whether the counts are replaced by their square roots (Hellinger).
        seed: Of all that is drawn at random; None where nothing is.
        whitening_sha256: Digest of the fitted projection's file: 64 hexadecimal digits; None
            unless ``projection`` is ``whitened``.
        deep: Weights of EfficientNet-Lite0 whose statistics join the Gram matrix in the style
            block, named as in ``weights``; ``none`` for the Gram matrix alone.
        deep_sha256: Digest of that file; None, as the four below, where ``deep`` is ``none``.
        deep_projection: File of the linear projection of the statistics, named in the same way.
        deep_projection_sha256: Digest of that file.
        deep_dimensions: Values that it makes: the last of ``style_dimensions``.
        deep_share: Their share of the style block's inner products, above 0 and at most 1; the
            Gram matrix has the rest.
        area: Version of the rules by which the picture's own area is found within a scan before it
            is squashed; ``none`` takes the whole scan.

    Raises:
        ValueError: A field has a value that no recipe can have, or two of them contradict.
    """

    name: str
    side: int = 224
    channel_mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    channel_std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    layer: str
    weights: str
    weights_sha256: str
    reduced_channels: int | None
    root_offset: float | None
    style_dimensions: int
    colour_bins: int
    centred: bool = True
    gram_pool: int = 1
    triangle: bool = True
    means: bool = True
    projection: Literal["weights", "random", "whitened", "none"] = "weights"
    colour_sample: int | None = None
    colour_root: bool = True
    seed: int | None = None
    whitening_sha256: str | None = None
    deep: str = NONE
    deep_sha256: str | None = None
    deep_projection: str = NONE
    deep_projection_sha256: str | None = None
    deep_dimensions: int | None = None
    deep_share: float | None = None
    area: str = NONE

    def __post_init__(self) -> None:
        if len(self.name) > _NAME_MAX_LENGTH or not _NAME.fullmatch(self.name):
            raise ValueError(
                f"A recipe's name is a slug of at most {_NAME_MAX_LENGTH} characters (lower-case "
                f"letters, digits and single hyphens, a letter first), not {self.name!r}."
            )
        for field in _DIGESTS:
            digest = getattr(self, field)
            if digest is not None and not _SHA256.fullmatch(digest):
                raise ValueError(
                    f"A recipe's {field} is 64 lower-case hexadecimal digits, not {digest!r}."
                )
        for field in _SIZES:
            value = getattr(self, field)
            if value is not None and value < 1:
                raise ValueError(f"A recipe's {field} is at least 1, not {value!r}.")
        if self.root_offset is not None and self.root_offset < 0:
            raise ValueError(f"A recipe's root_offset is not negative, but {self.root_offset!r}.")
        unknown = [layer for layer in self.layers if layer not in CHANNELS]
        if unknown or len(set(self.layers)) < len(self.layers):
            raise ValueError(
                f"A recipe's layer is one of {', '.join(CHANNELS)}, or several different ones "
                f"joined by '+', not {self.layer!r}."
            )
        contradiction = next(self._contradictions(), None)
        if contradiction:
            raise ValueError(f"The recipe {self.name!r} contradicts itself: {contradiction}.")

    def _contradictions(self) -> Iterator[str]:
        if self.projection not in ("weights", "random", "whitened", "none"):
            yield (
                f"projection is 'weights', 'random', 'whitened' or 'none', not {self.projection!r}"
            )
        if (self.projection == "whitened") != (self.whitening_sha256 is not None):
            yield "projection is 'whitened' where whitening_sha256 is given, and only there"
        learned = self.reduced_channels is not None or self.projection == "weights"
        if self.weights == IMAGENET and learned:
            yield (
                "ImageNet weights hold no reduction and no projection; "
                "set reduced_channels to None and projection to 'none', 'random' or 'whitened'"
            )
        if self.reduced_channels is not None and len(self.layers) > 1:
            yield "weights hold the reduction of one layer; name one layer, or no reduced_channels"
        for channels in self.described_channels:
            if channels % self.gram_pool:
                yield f"gram_pool {self.gram_pool} does not divide {channels} channels"
        found, made = self.descriptor_dimensions, self.gram_dimensions
        beside = f" beside deep_dimensions of {self.deep_dimensions}" if self.is_deep else ""
        if self.projection == "none" and made != found:
            yield (
                f"without a projection style_dimensions is {found + self.style_dimensions - made}, "
                f"not {self.style_dimensions}{beside}"
            )
        if self.projection in ("random", "whitened") and made > found:
            yield (
                f"a {self.projection} projection of {found} values makes no more of them; "
                f"style_dimensions is {self.style_dimensions}{beside}"
            )
        if self.area not in (NONE, AREA_VERSION):
            yield f"area is {NONE!r} or {AREA_VERSION!r}, not {self.area!r}"
        yield from self._contradictions_of_deep()
        if self.colour_sample is not None and self.colour_sample > self.side**2:
            yield f"colour_sample is {self.colour_sample}, but a square has {self.side**2} pixels"
        drawn = self.projection == "random" or self.colour_sample is not None
        if drawn and self.seed is None:
            yield "a random projection and a colour_sample need a seed"
        if not drawn and self.seed is not None:
            yield "nothing is drawn at random; leave seed out, or set colour_sample or projection"
        if self.seed is not None and not 0 <= self.seed < 2**32:
            yield f"seed is between 0 and 2**32 - 1, not {self.seed}"

    def _contradictions_of_deep(self) -> Iterator[str]:
        values = {name: getattr(self, name) for name in _DEEP}
        lacking = [name for name, value in values.items() if value in (None, NONE)]
        if lacking and len(lacking) < len(values):
            yield f"the fields {', '.join(values)} go together, but {', '.join(lacking)} is not set"
        if self.gram_dimensions < 1:
            yield (
                f"deep_dimensions of {self.deep_dimensions} leave nothing of style_dimensions of "
                f"{self.style_dimensions} to the Gram matrix"
            )
        if self.deep_share is not None and not 0 < self.deep_share <= 1:
            yield f"deep_share is above 0 and at most 1, not {self.deep_share}"
        if self.is_deep and self.projection == "whitened":
            yield (
                "a whitened projection is fitted on the Gram matrix alone; "
                "set deep to 'none' and the other deep_... fields to None"
            )

    @property
    def finds_area(self) -> bool:
        """Whether margins, mats and frames are left out."""
        return self.area != NONE

    @property
    def decoded_side(self) -> int:
        """Side of the square that files are decoded to, larger where an area of it is taken."""
        return _SHEET_FACTOR * self.side if self.finds_area else self.side

    @property
    def is_deep(self) -> bool:
        """Whether statistics of EfficientNet-Lite0 are part of the style block."""
        return self.deep != NONE

    @property
    def gram_dimensions(self) -> int:
        """Values of the style block that come of the Gram matrix; they are the first."""
        return self.style_dimensions - (self.deep_dimensions or 0)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the described layers, in the order of their values."""
        return tuple(self.layer.split("+"))

    @property
    def deepest_layer(self) -> str:
        """The described layer that the network runs up to."""
        return max(self.layers, key=list(CHANNELS).index)

    @property
    def described_channels(self) -> tuple[int, ...]:
        """Channels of each described layer that its Gram matrix is made of."""
        return tuple(self.reduced_channels or CHANNELS[layer] for layer in self.layers)

    @property
    def descriptor_dimensions(self) -> int:
        """Values of the style block before its projection."""
        total = 0
        for channels in self.described_channels:
            pooled = channels // self.gram_pool
            total += pooled * (pooled + 1) // 2 if self.triangle else pooled**2
            total += channels if self.means else 0
        return total

    @property
    def colour_dimensions(self) -> int:
        """Values of the colour block: colour_bins cubed."""
        return self.colour_bins**3

    @property
    def dimensions(self) -> int:
        """Values of the whole vector: the style block, then the colour block."""
        return self.style_dimensions + self.colour_dimensions

    @property
    def fingerprint(self) -> str:
        """Names the recipe and its block sizes, and digests all that determines a vector.

        At most 64 characters, for example ``art-256+216-0123456789abcdef``.
        """
        # Options that came later and are left alone stay out: earlier fingerprints must not change.
        ingredients = {
            name: value
            for name, value in asdict(self).items()
            if name in _FIRST_FIELDS or value != _DEFAULTS[name]
        }
        # Where a site keeps a file does not change its vectors; the digest says what it holds.
        for name in _FILES:
            if name in ingredients:
                ingredients[name] = re.split(r"[/\\]", ingredients[name])[-1]
        ingredients["decoding_version"] = DECODING_VERSION
        canonical = json.dumps(ingredients, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(canonical.encode()).hexdigest()[:16]
        return f"{self.name}-{self.style_dimensions}+{self.colour_dimensions}-{digest}"


_SIZES: Final = (
    "side",
    "reduced_channels",
    "style_dimensions",
    "colour_bins",
    "gram_pool",
    "colour_sample",
    "deep_dimensions",
)
_DIGESTS: Final = ("weights_sha256", "whitening_sha256", "deep_sha256", "deep_projection_sha256")
_FILES: Final = ("weights", "deep", "deep_projection")
_DEEP: Final = (
    "deep",
    "deep_sha256",
    "deep_projection",
    "deep_projection_sha256",
    "deep_dimensions",
    "deep_share",
)
_DEFAULTS: Final = {
    field.name: field.default for field in fields(Recipe) if field.default is not MISSING
}
# Fields that fingerprints held from the beginning, whatever their value.
_FIRST_FIELDS: Final = frozenset(
    {
        "name",
        "side",
        "channel_mean",
        "channel_std",
        "layer",
        "weights",
        "weights_sha256",
        "reduced_channels",
        "root_offset",
        "style_dimensions",
        "colour_bins",
    }
)


def block_sizes(fingerprint: str) -> tuple[int, int]:
    """Reads the sizes of the style and the colour block from a fingerprint.

    Args:
        fingerprint: As made by ``Recipe.fingerprint``.

    Returns:
        Values of the style block and values of the colour block.

    Raises:
        ValueError: The text is not a fingerprint.
    """
    match = _FINGERPRINT.fullmatch(fingerprint)
    if match is None:
        raise ValueError(
            f"{fingerprint!r} is not the fingerprint of a recipe: it should read like "
            f"'art-256+216-' and 16 hexadecimal digits."
        )
    return int(match["style"]), int(match["colour"])


# The default: trained style weights (docs say how), Hellinger colour over every pixel.
ART: Final = Recipe(
    name="art",
    layer="relu3_1",
    weights="style-vgg19-art.safetensors",
    weights_sha256="25670f297ef11d21730a0b19b73e48b7345931554067006e43bcc40bb57e6d59",
    reduced_channels=96,
    root_offset=1e-4,
    style_dimensions=256,
    colour_bins=6,
)

# ART's style block joined with the means and deviations of three stages of EfficientNet-Lite0
# (docs/weights.md).
ART_DEEP: Final = replace(
    ART,
    name="art-deep",
    style_dimensions=512,
    deep="efficientnet-lite0-stage5.safetensors",
    deep_sha256="85596f6ecd8a7a4d61085e1af9906feb1ebd44691ecf848a76ecbe23ea493b99",
    deep_projection="style-deep-project.safetensors",
    deep_projection_sha256="b34f16aadd0824cef9d6b6d099fdecbeea2ae92e052282d1e1988cfa161ae960",
    deep_dimensions=256,
    deep_share=0.7,
)

# The same of the picture's own area, so that likeness is not that of mats and margins.
LIKENESS: Final = replace(ART_DEEP, name="likeness", area=AREA_VERSION)

# G. Holtes, "Developing Art Style Embeddings for Visual Similarity Comparison of Artworks" (2019):
# ImageNet weights, plain Gram matrix, raw counts of 625 pixels. Its vector has (k / p)**2 + n**3
# values, which a halfvec index limits to 4,000: p = 4 would make 4,096 of the Gram matrix alone, so
# p = 8. n = 6 as in ART, so that the two differ in method and not in the fineness of the cubes.
ARTICLE: Final = Recipe(
    name="article",
    layer="relu3_1",
    weights=IMAGENET,
    weights_sha256="dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
    reduced_channels=None,
    centred=False,
    gram_pool=8,
    triangle=False,
    root_offset=None,
    means=False,
    projection="none",
    style_dimensions=32**2,
    colour_bins=6,
    colour_sample=625,
    colour_root=False,
    seed=2019,
)

# The article's network with every step of ART that needs no training: what "manage.py
# fit_whitening" fits its projection on. Its own vectors are too long for an index.
IMAGENET_COVARIANCE: Final = Recipe(
    name="imagenet-covariance",
    layer="relu3_1",
    weights=IMAGENET,
    weights_sha256=ARTICLE.weights_sha256,
    reduced_channels=None,
    root_offset=1e-4,
    projection="none",
    style_dimensions=33_152,
    colour_bins=6,
)


BUNDLED: Final = (LIKENESS, ART_DEEP, ART, ARTICLE)
"""The recipes that libraries may be under without naming them."""


def whitened(base: Recipe, *, sha256: str, style_dimensions: int, name: str) -> Recipe:
    """A base with a projection fitted on pictures: the recipe that ``fit_whitening`` prints.

    Args:
        base: All other options; its own projection, if any, is replaced.
        sha256: Digest of the fitted projection.
        style_dimensions: Values that the projection makes.
        name: Of the new recipe, a slug.

    Returns:
        The recipe; another projection gives another fingerprint.

    Raises:
        ValueError: A value is one that no recipe can have.
    """
    return replace(
        base,
        name=name,
        projection="whitened",
        whitening_sha256=sha256,
        style_dimensions=style_dimensions,
        # A seed may be left over from a random projection.
        seed=None if base.colour_sample is None else base.seed,
    )
