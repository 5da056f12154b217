"""What determines a vector: a frozen recipe and its fingerprint. Standard library only."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import Final

# Raised whenever images.py may turn the same file into other pixels: vectors made before and after
# such a change must never be compared.
DECODING_VERSION: Final = 1

FINGERPRINT_MAX_LENGTH: Final = 64

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

    A vector is a style block and a colour block side by side, each of length 1. Vectors of
    recipes with different fingerprints are never comparable.

    Attributes:
        name: Short slug (lower-case letters, digits, single hyphens; at most 32 characters).
        side: Width and height in pixels of the square that every picture is squashed to.
        channel_mean: Mean of the red, green and blue channel, in [0, 1], that is subtracted.
        channel_std: Standard deviation of each channel, in (0, 1], that is divided by.
        layer: ReLU layer of VGG-19 that is described, in the form ``relu3_1``.
        weights: File name of the weights inside the package's ``weights`` folder.
        weights_sha256: Digest of that file, 64 hexadecimal digits.
        reduced_channels: Channels of the layer after the 1 x 1 reduction.
        root_offset: e in the signed square root, sign(x) * (sqrt(|x| + e) - sqrt(e)).
        style_dimensions: Values of the style block.
        colour_bins: n of the n x n x n cubes of RGB space that are counted.

    Raises:
        ValueError: A field has a value that no recipe can have.
    """

    name: str
    side: int = 224
    channel_mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    channel_std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    layer: str
    weights: str
    weights_sha256: str
    reduced_channels: int
    root_offset: float
    style_dimensions: int
    colour_bins: int

    def __post_init__(self) -> None:
        if len(self.name) > _NAME_MAX_LENGTH or not _NAME.fullmatch(self.name):
            raise ValueError(
                f"A recipe's name is a slug of at most {_NAME_MAX_LENGTH} characters (lower-case "
                f"letters, digits and single hyphens, a letter first), not {self.name!r}."
            )
        if not _SHA256.fullmatch(self.weights_sha256):
            raise ValueError(
                f"A recipe's weights_sha256 is 64 lower-case hexadecimal digits, "
                f"not {self.weights_sha256!r}."
            )
        for field in ("side", "reduced_channels", "style_dimensions", "colour_bins"):
            value = getattr(self, field)
            if value < 1:
                raise ValueError(f"A recipe's {field} is at least 1, not {value!r}.")
        if self.root_offset < 0:
            raise ValueError(f"A recipe's root_offset is not negative, but {self.root_offset!r}.")

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
        ingredients = {**asdict(self), "decoding_version": DECODING_VERSION}
        canonical = json.dumps(ingredients, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(canonical.encode()).hexdigest()[:16]
        return f"{self.name}-{self.style_dimensions}+{self.colour_dimensions}-{digest}"


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
