from __future__ import annotations

import hashlib
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
import torch
from django.core.management import CommandError, call_command

from artsimilarity.encoder.recipe import ARTICLE, Recipe
from artsimilarity.encoder.weight_files import (
    DIRECTORY_VARIABLE,
    imagenet_file_name,
    read_weights_file,
)
from tests.encoder import small

# What the setting RECIPE names in these tests; set by `recipe`.
RECIPE: Recipe


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The beginning of torchvision's state_dict, in a file as it is downloaded."""
    tensors = small.torchvision_names(small.make_weights())
    path = tmp_path / "vgg19.pth"
    torch.save({name: torch.from_numpy(tensor) for name, tensor in tensors.items()}, path)
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def recipe(copy: Path, settings, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A site's recipe that uses two layers of that file."""
    digest = hashlib.sha256(copy.read_bytes()).hexdigest()
    dimensions = (64 // 8) ** 2 + (128 // 8) ** 2
    recipe = replace(
        ARTICLE, layer="relu2_1+relu1_2", style_dimensions=dimensions, weights_sha256=digest
    )
    monkeypatch.setitem(globals(), "RECIPE", recipe)
    settings.ARTSIMILARITY = {**settings.ARTSIMILARITY, "RECIPE": f"{__name__}.RECIPE"}
    return recipe


def test_it_keeps_what_the_configured_recipe_uses(copy: Path, folder: Path, recipe: Recipe) -> None:
    said = StringIO()
    call_command("fetch_weights", source=copy, stdout=said)
    assert (folder / imagenet_file_name("relu2_1")).read_bytes() == read_weights_file(recipe)
    assert str(folder) in said.getvalue()


@pytest.mark.usefixtures("recipe")
def test_layer_and_folder_can_be_chosen(copy: Path, tmp_path: Path) -> None:
    call_command(
        "fetch_weights",
        f"--from={copy}",
        "--layer=relu1_1",
        f"--directory={tmp_path / 'elsewhere'}",
        stdout=StringIO(),
    )
    assert [file.name for file in (tmp_path / "elsewhere").iterdir()] == [
        imagenet_file_name("relu1_1")
    ]


@pytest.mark.usefixtures("folder")
def test_without_such_a_recipe_torchvisions_file_is_meant(copy: Path) -> None:
    with pytest.raises(CommandError, match=f"expected {ARTICLE.weights_sha256}"):
        call_command("fetch_weights", source=copy)


@pytest.mark.usefixtures("folder")
def test_what_cannot_be_fetched_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"gone\.pth cannot be read"):
        call_command("fetch_weights", source=tmp_path / "gone.pth")


@pytest.mark.usefixtures("folder")
def test_a_mirror_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be downloaded"):
        call_command("fetch_weights", url=(tmp_path / "vgg19.pth").as_uri())


def test_an_unknown_layer_is_refused() -> None:
    with pytest.raises(CommandError, match="invalid choice: 'relu9_9'"):
        call_command("fetch_weights", "--layer=relu9_9")
