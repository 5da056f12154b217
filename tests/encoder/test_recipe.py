from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, replace

import pytest

from artsimilarity.encoder import recipe as recipe_module
from artsimilarity.encoder.recipe import (
    AREA_VERSION,
    ART,
    ART_DEEP,
    ARTICLE,
    FINGERPRINT_MAX_LENGTH,
    LIKENESS,
    Recipe,
    block_sizes,
)

# What each field may be changed to; some changes need another beside them to make sense.
CHANGES: dict[str, dict[str, object]] = {
    "name": {"name": "other"},
    "side": {"side": 256},
    "channel_mean": {"channel_mean": (0.5, 0.5, 0.5)},
    "channel_std": {"channel_std": (0.5, 0.5, 0.5)},
    "layer": {"layer": "relu2_2"},
    "weights": {"weights": "other.safetensors"},
    "weights_sha256": {"weights_sha256": "0" * 64},
    "reduced_channels": {"reduced_channels": 64},
    "centred": {"centred": False},
    "gram_pool": {"gram_pool": 2},
    "triangle": {"triangle": False},
    "root_offset": {"root_offset": 1e-3},
    "means": {"means": False},
    "projection": {"projection": "none", "style_dimensions": 4752},
    "style_dimensions": {"style_dimensions": 128},
    "colour_bins": {"colour_bins": 5},
    "colour_sample": {"colour_sample": 625, "seed": 1},
    "colour_root": {"colour_root": False},
    "seed": {"seed": 2, "colour_sample": 625},
    "whitening_sha256": {"whitening_sha256": "1" * 64, "projection": "whitened"},
    "deep": {"deep": "other.safetensors"},
    "deep_sha256": {"deep_sha256": "1" * 64},
    "deep_projection": {"deep_projection": "other.safetensors"},
    "deep_projection_sha256": {"deep_projection_sha256": "1" * 64},
    "deep_dimensions": {"deep_dimensions": 128},
    "deep_share": {"deep_share": 0.5},
    "area": {"area": AREA_VERSION},
}


def test_art_has_256_style_and_216_colour_values() -> None:
    assert (ART.style_dimensions, ART.colour_dimensions, ART.dimensions) == (256, 216, 472)


def test_article_fits_an_index_on_halfvec() -> None:
    assert (ARTICLE.style_dimensions, ARTICLE.colour_dimensions) == ((256 // 8) ** 2, 6**3)
    assert ARTICLE.dimensions <= 4000 < (256 // 4) ** 2 + 6**3


def test_a_fingerprint_names_the_recipe_and_its_block_sizes() -> None:
    name_and_sizes, _, digest = ART.fingerprint.rpartition("-")
    assert name_and_sizes == "art-256+216"
    assert len(digest) == 16
    assert set(digest) <= set("0123456789abcdef")


def test_arts_fingerprint_stays_as_it_was_released() -> None:
    # A change here makes every stored vector stale: it must be meant.
    assert ART.fingerprint == "art-256+216-a5ae4df822d9d21b"


def test_articles_fingerprint_stays_as_it_was_released() -> None:
    assert ARTICLE.fingerprint == "article-1024+216-5e449b733b952e7a"


def test_art_deep_has_the_colour_of_art_and_256_style_values_more() -> None:
    assert (ART_DEEP.style_dimensions, ART_DEEP.colour_dimensions) == (512, 216)
    assert (ART_DEEP.gram_dimensions, ART_DEEP.deep_dimensions) == (256, 256)
    assert ART_DEEP.descriptor_dimensions == ART.descriptor_dimensions


def test_art_deeps_fingerprint_stays_as_it_was_released() -> None:
    assert ART_DEEP.fingerprint == "art-deep-512+216-c849da1027cbc953"


def test_likeness_is_art_deep_of_the_pictures_own_area() -> None:
    assert replace(LIKENESS, name="art-deep", area="none") == ART_DEEP


def test_files_are_decoded_twice_as_large_where_an_area_is_looked_for() -> None:
    assert (ART_DEEP.decoded_side, LIKENESS.decoded_side) == (224, 448)


def test_another_version_of_the_area_gives_another_fingerprint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recipe_module, "AREA_VERSION", "next")
    assert replace(LIKENESS, area="next").fingerprint != LIKENESS.fingerprint


def test_every_field_is_tried_below() -> None:
    assert set(CHANGES) == {field.name for field in fields(Recipe)}


@pytest.mark.parametrize("field", CHANGES)
def test_each_field_changes_the_fingerprint(field: str) -> None:
    beside = {name: value for name, value in CHANGES[field].items() if name != field}
    if field == "projection":
        before = replace(ART, **beside)
    elif field == "colour_sample":
        before = replace(ART, colour_sample=624, **beside)
    elif field == "seed":
        before = replace(ART, seed=1, **beside)
    elif field == "whitening_sha256":
        before = replace(ART, whitening_sha256="0" * 64, **beside)
    elif field.startswith("deep"):
        before = ART_DEEP
    else:
        before = ART
    assert replace(before, **{field: CHANGES[field][field]}).fingerprint != before.fingerprint


def test_where_a_site_keeps_its_weights_leaves_the_fingerprint() -> None:
    here, there, elsewhere = (
        replace(ART, weights=path).fingerprint
        for path in ("/srv/a/mine.safetensors", "D:\\b\\mine.safetensors", "/srv/a/x.safetensors")
    )
    assert here == there
    assert here != elsewhere


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


@pytest.mark.parametrize(
    "field", ["weights_sha256", "whitening_sha256", "deep_sha256", "deep_projection_sha256"]
)
@pytest.mark.parametrize("digest", ["", "0" * 63, "G" * 64, "A" * 64])
def test_a_digest_that_is_no_sha256_is_refused(field: str, digest: str) -> None:
    with pytest.raises(ValueError, match=field):
        replace(ART, **{field: digest})


@pytest.mark.parametrize(
    "field",
    [
        "side",
        "reduced_channels",
        "style_dimensions",
        "colour_bins",
        "gram_pool",
        "colour_sample",
        "deep_dimensions",
    ],
)
def test_a_size_below_one_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} is at least 1"):
        replace(ART, **{field: 0})


def test_a_negative_root_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="root_offset is not negative"):
        replace(ART, root_offset=-1e-9)


@pytest.mark.parametrize("layer", ["conv3_1", "relu3_5", "relu3_1+", "relu3_1+relu3_1", ""])
def test_a_layer_that_vgg_19_has_not_is_refused(layer: str) -> None:
    with pytest.raises(ValueError, match=r"layer is one of relu1_1, .*, relu5_4"):
        replace(ART, layer=layer)


@pytest.mark.parametrize(
    ("recipe", "change", "message"),
    [
        (ART, {"weights": "imagenet"}, "hold no reduction and no projection"),
        (ARTICLE, {"reduced_channels": 96, "style_dimensions": 144}, "hold no reduction"),
        (ARTICLE, {"projection": "weights"}, "hold no reduction and no projection"),
        (ART, {"layer": "relu2_1+relu3_1"}, "reduction of one layer"),
        (ART, {"gram_pool": 5}, "gram_pool 5 does not divide 96 channels"),
        (ARTICLE, {"gram_pool": 4}, "style_dimensions is 4096, not 1024"),
        (ARTICLE, {"projection": "random", "style_dimensions": 1025}, "makes no more of them"),
        (ART, {"projection": "pca"}, "not 'pca'"),
        (ART, {"projection": "whitened"}, "where whitening_sha256 is given"),
        (ART, {"whitening_sha256": "0" * 64}, "where whitening_sha256 is given, and only"),
        (
            ART,
            {
                "projection": "whitened",
                "whitening_sha256": "0" * 64,
                "style_dimensions": 4753,
            },
            "whitened projection of 4752 values makes no more of them",
        ),
        (ART, {"colour_sample": 224**2 + 1, "seed": 1}, "a square has 50176 pixels"),
        (ART, {"colour_sample": 625}, "need a seed"),
        (ART, {"projection": "random"}, "need a seed"),
        (ART, {"seed": 1}, "nothing is drawn at random"),
        (ARTICLE, {"seed": -1}, "seed is between 0 and"),
        (ARTICLE, {"seed": 2**32}, "seed is between 0 and"),
        (ART, {"deep_share": 0.5}, "go together, but deep, deep_sha256, .* is not set"),
        (ART, {"area": "0"}, f"area is 'none' or '{AREA_VERSION}', not '0'"),
        (ART_DEEP, {"deep": "none"}, "go together, but deep is not set"),
        (ART_DEEP, {"deep_dimensions": 512}, "leave nothing of style_dimensions of 512"),
        (ART_DEEP, {"deep_share": 0.0}, "deep_share is above 0 and at most 1, not 0.0"),
        (ART_DEEP, {"deep_share": 1.1}, "deep_share is above 0 and at most 1, not 1.1"),
        (ART_DEEP, {"projection": "none"}, "style_dimensions is 5008, not 512 beside"),
        (
            ART_DEEP,
            {"projection": "whitened", "whitening_sha256": "0" * 64},
            "fitted on the Gram matrix alone",
        ),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(
    recipe: Recipe, change: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=rf"'{recipe.name}' contradicts itself: .*{message}"):
        replace(recipe, **change)


@pytest.mark.parametrize(
    ("change", "dimensions"),
    [
        ({}, 96 * 97 // 2 + 96),
        ({"means": False}, 96 * 97 // 2),
        ({"triangle": False}, 96**2 + 96),
        ({"gram_pool": 4}, 24 * 25 // 2 + 96),
        ({"gram_pool": 4, "triangle": False, "means": False}, 24**2),
        ({"reduced_channels": None, "means": False}, 256 * 257 // 2),
        (
            {"reduced_channels": None, "means": False, "layer": "relu4_1+relu1_2"},
            512 * 513 // 2 + 64 * 65 // 2,
        ),
    ],
)
def test_the_values_before_the_projection_are_counted(
    change: dict[str, object], dimensions: int
) -> None:
    assert replace(ART, **change).descriptor_dimensions == dimensions


def test_the_network_runs_up_to_the_deepest_layer() -> None:
    recipe = replace(ART, layer="relu1_2+relu4_1+relu3_4", reduced_channels=None)
    assert recipe.layers == ("relu1_2", "relu4_1", "relu3_4")
    assert recipe.deepest_layer == "relu4_1"


@pytest.mark.parametrize(
    ("recipe", "sizes"),
    [
        (ART, (256, 216)),
        (ART_DEEP, (512, 216)),
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
    loaded = loaded_after(
        "import artsimilarity.encoder.pictures.reading, artsimilarity.encoder.blocks.colour"
    )
    assert "PIL" in loaded
    assert loaded.isdisjoint({"torch", "torchvision", "django"})


def test_the_whole_encoder_loads_no_django() -> None:
    loaded = loaded_after("import artsimilarity.encoder.encoder")
    assert "torch" in loaded
    assert "django" not in loaded
