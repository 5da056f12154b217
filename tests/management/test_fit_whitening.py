"""``manage.py fit_whitening``, and the workers that use what it fitted."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.checks import run_checks
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from PIL import Image
from pytest_django import Settings
from safetensors.numpy import load

from artsimilarity.embedding import whitening_store
from artsimilarity.encoder.encoder import Encoder
from artsimilarity.encoder.recipe import Recipe
from artsimilarity.encoder.weight_files import (
    DIRECTORY_VARIABLE,
    WeightsError,
    whitening_path,
)
from artsimilarity.models import Whitening
from demo_site.library.models import Artwork
from tests.encoder import small
from tests.worker import run_python

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("index_restored")]

# As long as ART's vectors, less 7 x 7 x 7 cubes of colour.
VALUES = 472 - 343


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where this machine keeps projections."""
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture(autouse=True)
def base(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, dead_broker: None
) -> Recipe:
    """A quick recipe that is served, and whose network a projection is fitted on."""
    path = tmp_path / "small.safetensors"
    recipe = replace(
        small.small_recipe(path, small.write(small.make_weights(), path)),
        layer="relu1_1",
        reduced_channels=None,
        projection="random",
        seed=1,
        style_dimensions=VALUES,
        colour_bins=7,
    )
    monkeypatch.setitem(globals(), "BASE", recipe)
    settings.ARTSIMILARITY = {
        **settings.ARTSIMILARITY,
        "RECIPE": f"{__name__}.BASE",
        "DEVICE": "cpu",
    }
    return recipe


def _fill(count: int) -> None:
    """Rows as ``bulk_create`` leaves them, with pictures of noise."""
    artworks = []
    for seed in range(count):
        file = io.BytesIO()
        Image.fromarray(small.picture(seed)).save(file, "PNG")
        name = default_storage.save(f"{seed}.png", ContentFile(file.getvalue()))
        artworks.append(Artwork(title=f"{seed}", image=name))
    Artwork.objects.bulk_create(artworks)


def _fit(**options: Any) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    given = {"base": f"{__name__}.BASE", "dimensions": 6, **options}
    call_command("fit_whitening", stdout=out, stderr=err, **given)
    return out.getvalue(), err.getvalue()


def _printed_recipe(out: str) -> Recipe:
    """Runs what the command told the user to put into a module."""
    lines = [line[4:] for line in out.splitlines() if line.startswith("    ")]
    module: dict[str, Any] = {}
    exec("\n".join(lines), module)
    recipe = module["WHITENED"]
    assert isinstance(recipe, Recipe)
    return recipe


def test_the_printed_recipe_is_the_one_that_was_fitted(base: Recipe) -> None:
    _fill(30)
    out, err = _fit()
    kept = Whitening.objects.get()
    recipe = _printed_recipe(out)
    assert (recipe.whitening_sha256, kept.pictures) == (kept.sha256, 30)
    assert recipe.fingerprint in out
    assert recipe.name == "small-whitened"
    assert recipe.weights_sha256 == base.weights_sha256
    assert load(bytes(kept.data))["project.weight"].shape == (6, 64 * 65 // 2 + 64)
    assert err == ""


def test_the_sample_is_drawn_from_the_seed() -> None:
    _fill(40)
    first, again, other = (
        _printed_recipe(_fit(sample=25, seed=seed)[0]).fingerprint for seed in (1, 1, 2)
    )
    assert first == again != other
    assert sorted(Whitening.objects.values_list("pictures", flat=True)) == [25, 25]


def test_files_that_cannot_be_read_are_named_and_others_drawn() -> None:
    _fill(26)
    default_storage.delete("3.png")
    default_storage.delete("5.png")
    default_storage.save("5.png", ContentFile(b"no picture"))
    _, err = _fit(sample=24)
    assert "2 files could not be read" in err
    assert "3.png" in err
    assert "5.png" in err
    assert Whitening.objects.get().pictures == 24


def test_too_few_pictures_are_refused_with_the_number_it_takes() -> None:
    _fill(23)
    with pytest.raises(CommandError, match=r"take at least 24 pictures .* better 60; these are 23"):
        _fit()
    assert not Whitening.objects.exists()


def test_a_sample_larger_than_the_library_takes_all_of_it() -> None:
    _fill(25)
    _fit(sample=10**9)
    assert Whitening.objects.get().pictures == 25


def test_pictures_that_are_all_alike_are_refused() -> None:
    _fill(1)
    Artwork.objects.bulk_create([Artwork(title="copy", image="0.png") for _ in range(30)])
    with pytest.raises(CommandError, match="do not differ enough"):
        _fit()


@pytest.mark.parametrize(
    ("base", "message"),
    [("nowhere.RECIPE", "cannot be imported"), (f"{__name__}.VALUES", "is no Recipe")],
    ids=["absent", "other"],
)
def test_a_base_that_is_no_recipe_is_refused(base: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        _fit(base=base)


def test_a_name_that_is_no_slug_is_refused() -> None:
    with pytest.raises(CommandError, match="slug"):
        _fit(name="My recipe")


def test_a_base_whose_colours_alone_are_longer_than_what_is_served_is_refused(
    base: Recipe, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ARTSIMILARITY = {
        **settings.ARTSIMILARITY,
        "RECIPE": "artsimilarity.encoder.recipe.ART",
    }
    monkeypatch.setitem(globals(), "BASE", replace(base, colour_bins=8))
    with pytest.raises(CommandError, match="have 472 values, and the colours of --base take 512"):
        _fit(dimensions=None)


def test_the_default_base_asks_for_imagenet_weights() -> None:
    _fill(1)
    with pytest.raises(CommandError, match=r"fetch_weights --layer relu3_1"):
        call_command("fit_whitening", stdout=io.StringIO())


def test_a_whitened_recipe_is_rolled_out_like_any_other(
    base: Recipe, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As few pictures as there can be: what is fitted is not the point here.
    monkeypatch.setattr("artsimilarity.encoder.whitening.LEAST_PICTURES_PER_VALUE", 1)
    _fill(VALUES + 1)
    recipe = _printed_recipe(_fit(dimensions=None)[0])
    Artwork.objects.exclude(title__in=[str(number) for number in range(8)]).delete()
    call_command("embed_artworks", "--sync", stdout=io.StringIO())
    monkeypatch.setitem(globals(), "WHITENED", recipe)
    settings.ARTSIMILARITY = {
        **settings.ARTSIMILARITY,
        "NEXT_RECIPE": f"{__name__}.WHITENED",
    }
    assert not folder.exists()
    for step in ("--rollout", "--promote"):
        call_command("embed_artworks", step, "--sync", stdout=io.StringIO())
    assert whitening_path(recipe.whitening_sha256 or "").parent == folder
    rows = Artwork.objects.defer(None)
    assert set(rows.values_list("embedding_recipe", flat=True)) == {recipe.fingerprint}
    stored = rows.get(title="7").embedding
    expected = Encoder(recipe, device="cpu").encode([small.picture(7)])[0]
    np.testing.assert_allclose(stored, expected, atol=1e-3)
    assert len(Artwork.objects.similar_to(rows.get(title="7"))[:4]) == 4


class TestFetching:
    @pytest.fixture
    def recipe(self) -> Recipe:
        _fill(30)
        return _printed_recipe(_fit()[0])

    @pytest.fixture
    def path(self, recipe: Recipe) -> Path:
        return whitening_path(recipe.whitening_sha256 or "")

    def test_a_worker_copies_the_projection_once(self, recipe: Recipe, path: Path) -> None:
        whitening_store.fetch_whitening(recipe, using="default")
        Whitening.objects.all().delete()
        whitening_store.fetch_whitening(recipe, using="default")
        Encoder(recipe, device="cpu")
        assert [file.name for file in path.parent.iterdir()] == [path.name]

    def test_a_damaged_copy_is_replaced(self, recipe: Recipe, path: Path) -> None:
        path.parent.mkdir()
        path.write_bytes(b"damaged")
        whitening_store.fetch_whitening(recipe, using="default")
        Encoder(recipe, device="cpu")

    def test_a_damaged_row_is_refused(self, recipe: Recipe, path: Path) -> None:
        Whitening.objects.update(data=b"damaged")
        with pytest.raises(WeightsError, match="in the database 'default' is not the one"):
            whitening_store.fetch_whitening(recipe, using="default")
        assert not path.exists()

    def test_a_row_that_is_gone_is_told(self, recipe: Recipe) -> None:
        Whitening.objects.all().delete()
        with pytest.raises(WeightsError, match=r"holds no projection .*small-whitened"):
            whitening_store.fetch_whitening(recipe, using="default")

    def test_a_folder_that_cannot_be_made_is_told(self, recipe: Recipe, folder: Path) -> None:
        folder.write_bytes(b"a file in its place")
        with pytest.raises(WeightsError, match=DIRECTORY_VARIABLE):
            whitening_store.fetch_whitening(recipe, using="default")

    def test_the_check_warns_of_a_recipe_whose_projection_is_gone(
        self, recipe: Recipe, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(globals(), "WHITENED", recipe)
        settings.ARTSIMILARITY = {
            **settings.ARTSIMILARITY,
            "NEXT_RECIPE": f"{__name__}.WHITENED",
        }
        assert "artsimilarity.W007" not in _warnings()
        Whitening.objects.all().delete()
        assert "artsimilarity.W007" in _warnings()


def _warnings() -> list[str]:
    return [message.id or "" for message in run_checks(databases=["default"])]


_SCRIPT = """
import sys
import django
django.setup()
from django.core.management import call_command
call_command("check", databases=["default"])
import artsimilarity.embedding.whitening_store, artsimilarity.management.commands.fit_whitening
from artsimilarity.conf import get_settings
assert get_settings().next_recipe.whitening_sha256
names = {"torch", "safetensors", "artsimilarity.encoder.whitening"}
print(sorted(names & set(sys.modules)))
"""


def test_a_web_process_takes_the_recipe_for_its_digest_and_loads_no_torch() -> None:
    printed = run_python(_SCRIPT, TEST_ARTSIMILARITY='{"NEXT_RECIPE": "tests.recipes.WHITENED"}')
    assert printed.splitlines()[-1] == "[]"
