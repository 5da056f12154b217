from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, replace

import pytest

from artsimilarity.encoder import recipe as recipe_module
from artsimilarity.encoder.recipe import ART, FINGERPRINT_MAX_LENGTH, Recipe, block_sizes

OTHER_VALUES = {
    "name": "other",
    "side": 256,
    "channel_mean": (0.5, 0.5, 0.5),
    "channel_std": (0.5, 0.5, 0.5),
    "layer": "relu2_2",
    "weights": "other.safetensors",
    "weights_sha256": "0" * 64,
    "reduced_channels": 64,
    "root_offset": 1e-3,
    "style_dimensions": 128,
    "colour_bins": 5,
}


def test_art_has_256_style_and_216_colour_values() -> None:
    assert (ART.style_dimensions, ART.colour_dimensions, ART.dimensions) == (256, 216, 472)


def test_a_fingerprint_names_the_recipe_and_its_block_sizes() -> None:
    name_and_sizes, _, digest = ART.fingerprint.rpartition("-")
    assert name_and_sizes == "art-256+216"
    assert len(digest) == 16
    assert set(digest) <= set("0123456789abcdef")


def test_arts_fingerprint_stays_as_it_was_released() -> None:
    # A change here makes every stored vector stale: it must be meant.
    assert ART.fingerprint == "art-256+216-e27979f8e9ad6547"


def test_every_field_is_tried_below() -> None:
    assert set(OTHER_VALUES) == {field.name for field in fields(Recipe)}


@pytest.mark.parametrize("field", OTHER_VALUES)
def test_each_field_changes_the_fingerprint(field: str) -> None:
    assert replace(ART, **{field: OTHER_VALUES[field]}).fingerprint != ART.fingerprint


def test_the_decoding_version_changes_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ART.fingerprint
    monkeypatch.setattr(recipe_module, "DECODING_VERSION", -1)
    assert ART.fingerprint != before


def test_equal_recipes_have_equal_fingerprints() -> None:
    assert replace(ART).fingerprint == ART.fingerprint


def test_the_longest_name_fits_the_column() -> None:
    longest = replace(ART, name="a" * 32, style_dimensions=99_999, colour_bins=15)
    assert len(longest.fingerprint) <= FINGERPRINT_MAX_LENGTH


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        ART.side = 256  # type: ignore[misc]


@pytest.mark.parametrize("name", ["", "Art", "1art", "art-", "a--b", "a b", "a+b", "a" * 33])
def test_a_name_that_is_no_slug_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="slug"):
        replace(ART, name=name)


@pytest.mark.parametrize("digest", ["", "0" * 63, "G" * 64, "A" * 64])
def test_a_digest_that_is_no_sha256_is_refused(digest: str) -> None:
    with pytest.raises(ValueError, match="weights_sha256"):
        replace(ART, weights_sha256=digest)


@pytest.mark.parametrize("field", ["side", "reduced_channels", "style_dimensions", "colour_bins"])
def test_a_size_below_one_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} is at least 1"):
        replace(ART, **{field: 0})


def test_a_negative_root_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="root_offset is not negative"):
        replace(ART, root_offset=-1e-9)


@pytest.mark.parametrize(
    ("recipe", "sizes"),
    [
        (ART, (256, 216)),
        (replace(ART, name="my-2nd-recipe", style_dimensions=1, colour_bins=1), (1, 1)),
    ],
)
def test_block_sizes_are_read_from_a_fingerprint(recipe: Recipe, sizes: tuple[int, int]) -> None:
    assert block_sizes(recipe.fingerprint) == sizes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "art",
        "art-256-216-0123456789abcdef",
        "art-256+216-0123456789abcde",
        "art-256+216-0123456789abcdef\n",
        "art-0+216-0123456789abcdef",
        "256+216-0123456789abcdef",
    ],
)
def test_a_text_that_is_no_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not the fingerprint of a recipe"):
        block_sizes(text)


def loaded_after(statement: str) -> set[str]:
    command = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, check=True)
    return set(done.stdout.decode().split())


def test_recipes_load_only_the_standard_library() -> None:
    loaded = loaded_after("import artsimilarity.encoder.recipe")
    assert "artsimilarity" in loaded
    assert loaded.isdisjoint({"torch", "torchvision", "numpy", "PIL", "django"})


def test_reading_pictures_and_colour_load_neither_torch_nor_django() -> None:
    loaded = loaded_after("import artsimilarity.encoder.images, artsimilarity.encoder.colour")
    assert "PIL" in loaded
    assert loaded.isdisjoint({"torch", "torchvision", "django"})


def test_the_whole_encoder_loads_no_django() -> None:
    loaded = loaded_after("import artsimilarity.encoder.encoder")
    assert "torch" in loaded
    assert "django" not in loaded
