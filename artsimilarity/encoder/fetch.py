"""Gets torchvision's ImageNet weights of VGG-19 once, checks them, and keeps the layers in use.

urllib does the download: pooch would keep the whole file, resumes no download either and brings
requests; torch.hub has no time limit and takes a broken-off download for another file.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Final

from tqdm import tqdm

from artsimilarity.encoder.recipe import ARTICLE, CHANNELS
from artsimilarity.encoder.weight_files import (
    DIRECTORY_VARIABLE,
    SOURCE_DIGEST,
    TENSORS_DIGEST,
    WeightsError,
    check_kept,
    imagenet_file_name,
)

# torchvision's VGG19_Weights.IMAGENET1K_V1, 574,673,361 bytes.
IMAGENET_URL: Final = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"

_CHUNK: Final = 1024 * 1024
_TIMEOUT_SECONDS: Final = 30


class FetchError(RuntimeError):
    """Weights could not be downloaded, checked or kept; the message says what to do."""


def fetch_imagenet(
    directory: Path,
    *,
    layer: str = ARTICLE.deepest_layer,
    sha256: str = ARTICLE.weights_sha256,
    source: Path | None = None,
    url: str = IMAGENET_URL,
    force: bool = False,
    progress: bool = True,
) -> Path:
    """Downloads ImageNet weights, or takes a local copy, and keeps them up to one layer.

    The download goes to the same directory and is deleted afterwards; about 600 MB of disk and of
    memory are needed meanwhile. The kept file appears whole or not at all.

    Args:
        directory: Where to keep them; made if it is not there.
        layer: Deepest ReLU layer in use, in the form ``relu3_1``.
        sha256: Digest that the download must have.
        source: Local copy of the download, or of a kept file (``.safetensors``) that this function
            made on another machine; None downloads.
        url: What to download.
        force: Whether to do it all again where a sound file is kept already.
        progress: Whether a bar is shown, if there is a terminal.

    Returns:
        The kept file.

    Raises:
        FetchError: The weights cannot be reached, are not the right ones, or cannot be kept.
        ValueError: VGG-19 has no such layer.
    """
    if layer not in CHANNELS:
        raise ValueError(f"VGG-19 has no layer {layer!r}; its ReLU layers: {', '.join(CHANNELS)}.")
    kept = directory / imagenet_file_name(layer)
    if not force and _is_sound(kept, sha256):
        return kept
    with _writing_to(directory):
        directory.mkdir(parents=True, exist_ok=True)
        if source is None:
            with _temporary(directory / Path(url).name) as download:
                _download(url, download, progress)
                _keep(download, kept, layer, sha256, origin=url)
        elif source.suffix == ".safetensors":
            _copy_kept(source, kept, sha256)
        else:
            _keep(source, kept, layer, sha256, origin=str(source))
    return kept


def _is_sound(kept: Path, sha256: str) -> bool:
    try:
        check_kept(kept.read_bytes(), sha256, str(kept))
    except (OSError, WeightsError):
        return False
    return True


def _download(url: str, target: Path, progress: bool) -> None:
    try:
        # The address is the caller's own, not a visitor's.
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310
            expected = int(response.headers.get("Content-Length") or 0)
            received = _receive(response, target, expected, progress)
    except (
        urllib.error.URLError,
        http.client.HTTPException,
        TimeoutError,
        ConnectionError,
    ) as error:
        reason = getattr(error, "reason", None) or error
        raise FetchError(
            f"{url} cannot be downloaded: {reason}. Try again; or download it on a machine that "
            f"can reach it, bring the file here, and run "
            f"'python manage.py fetch_weights --from FILE'."
        ) from error
    if received < expected:
        raise FetchError(
            f"The download of {url} broke off after {received:,} of {expected:,} bytes. "
            f"Run 'python manage.py fetch_weights' again."
        )


def _receive(
    response: http.client.HTTPResponse, target: Path, expected: int, progress: bool
) -> int:
    received = 0
    bar = tqdm(
        total=expected or None,
        unit="B",
        unit_scale=True,
        desc=target.name.strip("."),
        disable=None if progress else True,
    )
    with bar, target.open("wb") as file:
        while chunk := response.read(_CHUNK):
            received += file.write(chunk)
            bar.update(len(chunk))
    return received


def _keep(download: Path, kept: Path, layer: str, sha256: str, *, origin: str) -> None:
    """Checks the whole download and writes its tensors up to the layer."""
    with _open_source(download) as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise FetchError(
            f"{origin} is not VGG19_Weights.IMAGENET1K_V1: its sha256 is {found}, expected "
            f"{sha256}. Nothing was kept. Get it from {IMAGENET_URL}."
        )
    data = _truncated(download, layer, sha256)
    with _temporary(kept) as partial:
        partial.write_bytes(data)
        partial.replace(kept)


def _truncated(download: Path, layer: str, sha256: str) -> bytes:
    """The convolutions up to the layer in the safetensors format, with their digests."""
    # Loaded here so that nothing but this needs torch.
    import torch
    from safetensors.torch import save

    from artsimilarity.encoder.blocks.vgg import convolution_names

    try:
        state = torch.load(download, map_location="cpu", weights_only=True)
    except Exception as error:
        # torch's unpickler raises errors of many unrelated types; the original is chained.
        raise FetchError(f"{download} holds no weights that torch can load: {error}") from error
    layers = list(CHANNELS)[: list(CHANNELS).index(layer) + 1]
    wanted = {
        f"{name.replace('relu', 'conv', 1)}.{k}" for name in layers for k in ("weight", "bias")
    }
    tensors = {
        name: tensor.float().contiguous()
        for name, tensor in convolution_names(state).items()
        if name in wanted
    }
    if missing := wanted - set(tensors):
        raise FetchError(f"{download} holds no tensor {min(missing)}; it is no VGG-19.")
    return _with_digests(save(tensors), sha256)


def _with_digests(data: bytes, source_sha256: str) -> bytes:
    """A safetensors file with the digests in its header; safetensors would shuffle their order."""
    end = 8 + int.from_bytes(data[:8], "little")
    tensors = data[end:]
    digests = {SOURCE_DIGEST: source_sha256, TENSORS_DIGEST: hashlib.sha256(tensors).hexdigest()}
    header = json.dumps({"__metadata__": digests, **json.loads(data[8:end])}).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + tensors


def _copy_kept(source: Path, kept: Path, sha256: str) -> None:
    with _open_source(source) as file:
        try:
            check_kept(file.read(), sha256, str(source))
        except WeightsError as error:
            raise FetchError(str(error)) from error
    with _temporary(kept) as partial:
        shutil.copyfile(source, partial)
        partial.replace(kept)


@contextmanager
def _open_source(path: Path) -> Iterator[BufferedReader]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise FetchError(f"{path} cannot be read: {error.strerror}.") from error
    with file:
        yield file


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """A name beside the path that no other process uses, deleted in the end if it is there."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield partial
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _writing_to(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FetchError(
            f"The weights cannot be kept in {directory}: {error.strerror or error}. Choose another "
            f"folder with the environment variable {DIRECTORY_VARIABLE} or with --directory."
        ) from error
