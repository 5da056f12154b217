"""Fetching from a real server on this machine, whole and broken."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from artsimilarity.encoder.encoder import Encoder
from artsimilarity.encoder.fetch import FetchError, fetch_imagenet
from artsimilarity.encoder.recipe import ARTICLE, IMAGENET, Recipe
from artsimilarity.encoder.weight_files import DIRECTORY_VARIABLE, WeightsError, read_weights_file
from tests.encoder import small


class Server:
    """Serves one file, or only its first bytes, and counts how often it is asked."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.sent = len(content)
        self.requests = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests += 1
                if not self.path.endswith("/vgg19.pth"):
                    self.send_error(404, "No such file here")
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(server.content)))
                self.end_headers()
                self.wfile.write(server.content[: server.sent])

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/models/vgg19.pth"


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """The beginning of torchvision's state_dict, and one of the layers that are cut off."""
    tensors = small.torchvision_names(small.make_weights())
    return {name: torch.from_numpy(tensor) for name, tensor in tensors.items()} | {
        "classifier.0.weight": torch.ones(1000, 10)
    }


@pytest.fixture(scope="module", params=["zip", "legacy"])
def content(
    request: pytest.FixtureRequest,
    state: dict[str, torch.Tensor],
    tmp_path_factory: pytest.TempPathFactory,
) -> bytes:
    path = tmp_path_factory.mktemp("download") / "vgg19.pth"
    torch.save(state, path, _use_new_zipfile_serialization=request.param == "zip")
    return path.read_bytes()


@pytest.fixture
def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def server(content: bytes) -> Iterator[Server]:
    server = Server(content)
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


@pytest.fixture
def recipe(digest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """ARTICLE on the small weights, which are looked for in a folder of the test's own."""
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))
    return replace(ARTICLE, side=32, layer="relu2_1", style_dimensions=16**2, weights_sha256=digest)


def fetch(directory: Path, server: Server, digest: str, **options: object) -> Path:
    options = {"layer": "relu2_1", "sha256": digest, "url": server.url, **options}
    return fetch_imagenet(directory, **options)


def test_what_is_fetched_is_what_the_recipe_finds(
    tmp_path: Path, server: Server, digest: str, recipe: Recipe
) -> None:
    kept = fetch(tmp_path, server, digest)
    assert read_weights_file(recipe) == kept.read_bytes()
    vector = Encoder(recipe, device="cpu").encode([small.picture()])
    assert vector.shape == (1, 16**2 + 216)


def test_only_the_layers_in_use_are_kept(
    tmp_path: Path, server: Server, digest: str, state: dict[str, torch.Tensor]
) -> None:
    kept = load_file(fetch(tmp_path, server, digest, layer="relu1_2"))
    assert set(kept) == {f"conv1_{n}.{kind}" for n in (1, 2) for kind in ("weight", "bias")}
    np.testing.assert_array_equal(kept["conv1_2.weight"], state["features.2.weight"])


def test_nothing_else_stays_in_the_folder(tmp_path: Path, server: Server, digest: str) -> None:
    kept = fetch(tmp_path, server, digest)
    assert list(tmp_path.iterdir()) == [kept]


def test_the_folder_is_made(tmp_path: Path, server: Server, digest: str) -> None:
    assert fetch(tmp_path / "a" / "b", server, digest).parent == tmp_path / "a" / "b"


def test_a_second_time_nothing_is_downloaded(tmp_path: Path, server: Server, digest: str) -> None:
    assert fetch(tmp_path, server, digest) == fetch(tmp_path, server, digest)
    assert server.requests == 1


def test_force_downloads_again(tmp_path: Path, server: Server, digest: str) -> None:
    fetch(tmp_path, server, digest)
    fetch(tmp_path, server, digest, force=True)
    assert server.requests == 2


def test_a_kept_file_that_was_damaged_is_refused_and_replaced(
    tmp_path: Path, server: Server, digest: str, recipe: Recipe
) -> None:
    kept = fetch(tmp_path, server, digest)
    sound = kept.read_bytes()
    kept.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    with pytest.raises(WeightsError, match=r"is damaged.*fetch_weights --force"):
        read_weights_file(recipe)
    assert fetch(tmp_path, server, digest).read_bytes() == sound


def test_a_kept_file_from_another_download_is_refused(
    tmp_path: Path, server: Server, digest: str, recipe: Recipe
) -> None:
    fetch(tmp_path, server, digest)
    with pytest.raises(
        WeightsError, match=rf"another download \(sha256 {digest}, expected 0{{64}}"
    ):
        read_weights_file(replace(recipe, weights_sha256="0" * 64))


def test_a_download_that_breaks_off_keeps_nothing(
    tmp_path: Path, server: Server, digest: str
) -> None:
    server.sent -= 1000
    with pytest.raises(FetchError, match=r"broke off after [\d,]+ of [\d,]+ bytes.*again"):
        fetch(tmp_path, server, digest)
    assert list(tmp_path.iterdir()) == []


def test_a_download_with_another_digest_keeps_nothing(tmp_path: Path, server: Server) -> None:
    with pytest.raises(FetchError, match=r"expected 0{64}\. Nothing was kept"):
        fetch(tmp_path, server, "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_download_leaves_the_kept_file_as_it_was(
    tmp_path: Path, server: Server, digest: str
) -> None:
    kept = fetch(tmp_path, server, digest)
    before = kept.read_bytes()
    server.sent -= 1000
    with pytest.raises(FetchError):
        fetch(tmp_path, server, digest, force=True)
    assert kept.read_bytes() == before
    assert list(tmp_path.iterdir()) == [kept]


def test_no_server_is_told_with_the_way_around(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/vgg19.pth"
        with pytest.raises(FetchError, match=r"cannot be downloaded: .*fetch_weights --from FILE"):
            fetch_imagenet(tmp_path, url=url)


def test_a_missing_page_is_told_with_its_reason(
    tmp_path: Path, server: Server, digest: str
) -> None:
    with pytest.raises(FetchError, match="cannot be downloaded: No such file here"):
        fetch(tmp_path, server, digest, url=server.url + ".gone")


def test_a_local_copy_of_the_download_needs_no_server(
    tmp_path: Path, content: bytes, digest: str, recipe: Recipe
) -> None:
    copy = tmp_path / "copy.pth"
    copy.write_bytes(content)
    fetch_imagenet(tmp_path, layer="relu2_1", sha256=digest, source=copy)
    read_weights_file(recipe)
    assert copy.read_bytes() == content


def test_a_file_kept_on_another_machine_can_be_brought_here(
    tmp_path: Path, server: Server, digest: str, recipe: Recipe
) -> None:
    there = fetch(tmp_path / "there", server, digest)
    here = fetch_imagenet(tmp_path, layer="relu2_1", sha256=digest, source=there)
    assert here.read_bytes() == there.read_bytes() == read_weights_file(recipe)


@pytest.mark.parametrize("name", ["copy.pth", "copy.safetensors"])
def test_a_local_copy_of_something_else_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"something else")
    with pytest.raises(FetchError, match=rf"{name} (is not VGG19|was not made by)"):
        fetch_imagenet(tmp_path / "kept", source=tmp_path / name)


def test_a_local_copy_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"gone\.pth cannot be read: No such file"):
        fetch_imagenet(tmp_path, source=tmp_path / "gone.pth")


def test_weights_that_lack_a_layer_are_refused(tmp_path: Path, server: Server, digest: str) -> None:
    with pytest.raises(FetchError, match=r"no tensor conv2_2\.bias"):
        fetch(tmp_path, server, digest, layer="relu2_2")


def test_a_file_that_torch_cannot_load_is_refused(tmp_path: Path) -> None:
    copy = tmp_path / "copy.pth"
    copy.write_bytes(b"something else")
    digest = hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(FetchError, match="no weights that torch can load"):
        fetch_imagenet(tmp_path, sha256=digest, source=copy)


def test_a_folder_that_cannot_be_written_names_the_variable(
    tmp_path: Path, server: Server, digest: str
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FetchError, match=DIRECTORY_VARIABLE):
        fetch(tmp_path / "file", server, digest)


def test_an_unknown_layer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no layer 'relu9_9'"):
        fetch_imagenet(tmp_path, layer="relu9_9")


def test_articles_weights_are_torchvisions() -> None:
    assert ARTICLE.weights == IMAGENET
    assert ARTICLE.weights_sha256.startswith("dcbb9e9d")  # the part that torchvision publishes
