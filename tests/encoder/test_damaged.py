"""Files whose end is missing: read as far as they go, and said to be so."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from artsimilarity.encoder.pictures import streaming
from artsimilarity.encoder.pictures.reading import DamagedPicture, Limits, PictureError, read
from tests.encoder.hostile import TRUNCATED, truncated
from tests.encoder.quarters import quarters, squashed
from tests.encoder.raw_files import tiff_of

SIDE = 64


def saved(kind: str, size: tuple[int, int] = (240, 180), **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(quarters()).resize(size, Image.Resampling.NEAREST).save(file, kind, **options)
    return file.getvalue()


def difference(data: bytes, rows: slice = slice(None)) -> float:
    expected = squashed(quarters(), SIDE)
    return float(np.abs(read(data, side=SIDE).pixels - expected)[rows].mean())


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_lacks_its_last_two_bytes_is_whole_and_damaged(progressive: bool) -> None:
    data = saved("JPEG", progressive=progressive, quality=95)
    assert not read(data).damaged
    assert read(data[:-2]).damaged
    np.testing.assert_array_equal(read(data[:-2]).pixels, read(data).pixels)


@pytest.mark.parametrize("side", [32, 64, 224, 500])
def test_whatever_its_size(side: int) -> None:
    data = saved("JPEG", size=(side, side))
    assert not read(data).damaged
    assert read(data[:-2]).damaged
    with pytest.raises(DamagedPicture, match="end is missing"):
        read(data[:-2], limits=Limits(accept_damaged=False))


def test_a_progressive_jpeg_without_its_last_scans_is_read() -> None:
    data = saved("JPEG", progressive=True, quality=95)
    scans = data.split(b"\xff\xda")
    assert len(scans) > 6
    for kept in (len(scans) - 1, 3):
        cut = b"\xff\xda".join(scans[:kept])
        assert read(cut).damaged
        assert difference(cut) < 6


def test_a_progressive_jpeg_within_its_first_scan_is_damaged() -> None:
    data = saved("JPEG", progressive=True)
    first = data.index(b"\xff\xda")
    with pytest.raises(DamagedPicture):
        read(data[: first + 60])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF"])
def test_a_file_that_lacks_a_twentieth_is_read(kind: str) -> None:
    data = saved(kind)
    cut = data[: len(data) * 19 // 20]
    assert read(cut, side=SIDE).damaged
    assert difference(cut, slice(0, SIDE // 2)) < 8


def cut_noise(kind: str, **options: object) -> bytes:
    noise = np.random.default_rng(0).integers(0, 200, (256, 256, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, kind, **options)
    return file.getvalue()[: len(file.getvalue()) * 7 // 10]


@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("GIF", {"interlace": 0}), ("TIFF", {})]
)
def test_missing_rows_are_white(kind: str, options: dict[str, object]) -> None:
    found = read(cut_noise(kind, **options), side=SIDE)
    assert found.damaged
    assert (found.pixels[-SIDE // 5 :] == 255).all()
    assert (found.pixels[: SIDE // 3] < 255).all()


def test_rows_that_an_interlaced_gif_lacks_are_copied_from_above() -> None:
    found = read(cut_noise("GIF", interlace=1), side=SIDE)
    assert found.damaged
    assert (found.pixels < 255).all()


def test_a_tiff_of_which_the_last_strip_is_missing_is_read_as_far_as_it_goes() -> None:
    strips = np.split(quarters(), 9)
    tags = {256: 120, 257: 90, 258: [8] * 3, 259: 1, 262: 2, 277: 3, 278: 10}
    data = tiff_of(tags, strips=[strip.tobytes() for strip in strips])
    found = read(data[:-3000], side=SIDE)
    assert found.damaged
    assert (found.pixels[-6:] == 255).all()
    assert difference(data[:-3000], slice(0, 54)) < 1


def test_without_pyvips_a_cut_tiff_is_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "is_available", lambda: False)
    data = saved("TIFF")
    with pytest.raises(DamagedPicture, match=r"9\d% of its rows are there"):
        read(data[: len(data) * 19 // 20])


def test_a_strict_archive_refuses_what_is_damaged() -> None:
    strict = Limits(accept_damaged=False)
    for kind in ("JPEG", "PNG", "GIF", "TIFF"):
        data = saved(kind)
        assert not read(data, limits=strict).damaged
        with pytest.raises(DamagedPicture, match="Replace it with a sound copy"):
            read(data[: len(data) * 19 // 20], limits=strict)


@pytest.mark.parametrize("kind", TRUNCATED)
def test_a_file_cut_anywhere_is_damaged_or_refused(kind: str) -> None:
    outcomes = []
    for data in truncated(kind):
        try:
            outcomes.append(read(data, side=SIDE).damaged)
        except PictureError:
            outcomes.append(None)
    assert not outcomes[0]
    assert False not in outcomes
