from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from artsimilarity.encoder.recipe import ART, ART_DEEP, ARTICLE, Recipe
from artsimilarity.encoder.weight_files import (
    DIRECTORY_VARIABLE,
    WeightsError,
    find_weights,
    imagenet_file_name,
    read_deep_files,
    read_weights_file,
    read_whitening_file,
    weights_directory,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))
    return tmp_path


def at(path: Path, content: bytes) -> Recipe:
    digest = hashlib.sha256(content).hexdigest()
    return replace(ART, name="mine", weights=str(path), weights_sha256=digest)


def test_bundled_weights_are_found_in_the_package() -> None:
    assert hashlib.sha256(read_weights_file(ART)).hexdigest() == ART.weights_sha256


def test_bundled_weights_that_are_missing_are_named_with_the_remedy() -> None:
    with pytest.raises(WeightsError, match=r"absent\.safetensors .* is missing\. Reinstall"):
        find_weights(replace(ART, weights="absent.safetensors"))


def test_a_recipe_without_a_whitened_projection_is_told_so() -> None:
    with pytest.raises(WeightsError, match="has no whitened projection"):
        read_whitening_file(ART)


def test_bundled_weights_with_another_digest_are_refused() -> None:
    expected = rf"{ART.weights_sha256}, expected {'0' * 64}\. Reinstall"
    with pytest.raises(WeightsError, match=expected):
        read_weights_file(replace(ART, weights_sha256="0" * 64))


def test_a_local_file_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    path.write_bytes(b"content")
    assert read_weights_file(at(path, b"content")) == b"content"


def test_a_local_file_that_is_missing_is_named_with_the_recipe(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"mine\.safetensors is missing.* recipe 'mine'"):
        find_weights(at(tmp_path / "mine.safetensors", b""))


def test_a_local_file_with_another_digest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    path.write_bytes(b"other content")
    with pytest.raises(WeightsError, match=r"'weights_sha256' of the recipe 'mine'"):
        read_weights_file(at(path, b"content"))


def test_a_folder_is_no_weights_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is missing"):
        find_weights(at(tmp_path, b""))


@pytest.mark.parametrize("field", ["deep", "deep_projection"])
def test_each_file_of_a_deeper_network_is_looked_for(field: str, tmp_path: Path) -> None:
    lacking = replace(ART_DEEP, **{field: str(tmp_path / "nowhere.safetensors")})
    with pytest.raises(WeightsError, match=rf"is missing\. Put it there, or correct '{field}'"):
        find_weights(lacking)


@pytest.mark.parametrize("field", ["deep", "deep_projection"])
def test_each_file_of_a_deeper_network_is_checked(field: str) -> None:
    other = replace(ART_DEEP, **{f"{field}_sha256": "0" * 64})
    with pytest.raises(WeightsError, match=r"expected 0{64}\. Reinstall"):
        read_deep_files(other)


@pytest.mark.usefixtures("folder")
def test_imagenet_weights_that_are_missing_name_the_command() -> None:
    with pytest.raises(WeightsError, match=r"manage\.py fetch_weights --layer relu3_1"):
        find_weights(ARTICLE)


@pytest.mark.usefixtures("folder")
def test_the_command_is_named_with_the_deepest_layer() -> None:
    deep = replace(ARTICLE, layer="relu4_1+relu3_1", style_dimensions=32**2 + 64**2)
    with pytest.raises(WeightsError, match=r"fetch_weights --layer relu4_1"):
        find_weights(deep)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no tensors",
        b"\x02\0\0\0\0\0\0\0{}",
        b"\x12\0\0\0\0\0\0\0" + b'{"__metadata__":{}}'[:18],
        b"\x02\0\0\0\0\0\0\0[]",
    ],
)
def test_a_file_that_fetch_weights_did_not_make_is_refused(folder: Path, content: bytes) -> None:
    (folder / imagenet_file_name("relu3_1")).write_bytes(content)
    with pytest.raises(WeightsError, match=r"not made by fetch_weights.*fetch_weights --force"):
        read_weights_file(ARTICLE)


def test_the_folder_is_that_of_the_environment() -> None:
    assert weights_directory({DIRECTORY_VARIABLE: "/srv/weights"}) == Path("/srv/weights")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other cache folders")
@pytest.mark.parametrize("environ", [{}, {DIRECTORY_VARIABLE: ""}])
def test_without_it_the_folder_is_a_cache_of_the_user(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert weights_directory(environ) == Path.home() / ".cache" / "artsimilarity"


@pytest.mark.skipif(sys.platform != "linux", reason="XDG is Linux's")
def test_the_cache_lies_where_the_system_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert weights_directory({}) == tmp_path / "artsimilarity"


def test_finding_weights_loads_no_torch() -> None:
    command = (
        "import sys; from artsimilarity.encoder.recipe import ART; "
        "from artsimilarity.encoder.weight_files import find_weights; "
        "find_weights(ART); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, check=True)
    assert done.stdout.split() == [b"False"]
