"""Kinds of files that archives keep, each compared with the picture that was put in."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artsimilarity.encoder.pictures import reading, streaming
from artsimilarity.encoder.pictures.reading import (
    Limits,
    MissingLibrary,
    TooMuchMemory,
    TooMuchWork,
    read,
    read_square,
)
from tests.encoder.icc import rgb_profile
from tests.encoder.quarters import HEIGHT, WIDTH, quarters, squashed
from tests.encoder.raw_files import chunk, png, tiff_of
from tests.encoder.shared import SHARED

SIDE = 64
SIZE = {256: WIDTH, 257: HEIGHT}
ONE_STRIP = {**SIZE, 259: 1, 278: HEIGHT}
RGB = {**ONE_STRIP, 262: 2, 277: 3}
GREY = {**ONE_STRIP, 262: 1, 277: 1}


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def picture() -> Image.Image:
    return Image.fromarray(quarters())


def luma() -> np.ndarray:
    return np.asarray(picture().convert("L"))


def difference(data: bytes, expected: np.ndarray | None = None) -> float:
    wanted = squashed(quarters() if expected is None else expected, SIDE)
    return float(np.abs(read_square(data, side=SIDE) - wanted).mean())


def repeated(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=2)


# Formats


@pytest.mark.parametrize("kind", ["BMP", "JPEG2000", "AVIF"])
def test_further_formats_are_read(kind: str) -> None:
    assert difference(saved(picture(), kind)) < 3


def test_heic_is_read() -> None:
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    heif.from_pillow(picture()).save(file, quality=90)
    assert difference(file.getvalue()) < 3


def test_the_composite_of_a_psd_is_read() -> None:
    head = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, HEIGHT, WIDTH, 8, 3) + bytes(12)
    planes = quarters().transpose(2, 0, 1).tobytes()
    assert difference(head + b"\0\0" + planes) < 1


def test_a_jpeg_with_a_short_jfif_segment_is_read() -> None:
    data = saved(picture(), "JPEG", quality=95)
    assert data[2:4] == b"\xff\xe0"
    length = int.from_bytes(data[4:6], "big")
    short = data[:2] + b"\xff\xe0\0\x09JFIF\0\1\1" + data[4 + length :]
    assert difference(short) < 3


# TIFF


@pytest.mark.parametrize("most", [255, 65535])
def test_a_palette_is_right_whether_its_map_counts_to_255_or_to_65535(most: int) -> None:
    indexed = picture().quantize(256, dither=Image.Dither.NONE)
    palette = np.array(indexed.getpalette() + [0] * 768)[:768].reshape(256, 3)
    colours = (palette.T.ravel() * (most // 255)).tolist()
    tags = {**GREY, 258: 8, 262: 3, 320: colours}
    assert difference(tiff_of(tags, strips=[np.asarray(indexed).tobytes()])) < 3


def test_rgb_of_16_bits_in_planes() -> None:
    deep = quarters().astype("<u2") * 257
    strips = [deep[..., channel].tobytes() for channel in range(3)]
    tags = {**RGB, 258: [16] * 3, 284: 2}
    assert difference(tiff_of(tags, strips=strips)) < 1.5


def test_grey_of_16_bits_with_alpha() -> None:
    deep = np.stack([luma().astype("<u2") * 257, np.full((HEIGHT, WIDTH), 65535, "<u2")], axis=-1)
    data = tiff_of({**GREY, 258: [16] * 2, 277: 2, 338: 2}, strips=[deep.tobytes()])
    assert difference(data, repeated(luma())) < 1.5


def test_alpha_of_16_bits_in_a_tiff_mixes_with_white() -> None:
    deep = np.full((HEIGHT, WIDTH, 2), (100 * 257, 128 * 257), "<u2")
    data = tiff_of({**GREY, 258: [16] * 2, 277: 2, 338: 2}, strips=[deep.tobytes()])
    assert np.abs(read_square(data, side=SIDE).astype(int) - 177).max() <= 2


@pytest.mark.parametrize(
    ("samples", "bits", "sample_format"),
    [
        (quarters().astype("<f4") / 255, 32, 3),
        (quarters().astype("<u4") * (2**24 + 2**16 + 2**8 + 1), 32, 1),
        (quarters().astype("<u4"), 32, 1),
    ],
    ids=["float32", "all of 32 bits", "8 of 32 bits"],
)
def test_rgb_of_32_bits(samples: np.ndarray, bits: int, sample_format: int) -> None:
    tags = {**RGB, 258: [bits] * 3, 339: [sample_format] * 3}
    assert difference(tiff_of(tags, strips=[samples.tobytes()])) < 1.5


def lab_of_srgb(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* under D65 (IEC 61966-2-1, CIE 15)."""
    encoded = rgb / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = linear @ np.array(to_xyz).T / (0.9505, 1.0, 1.089)
    cube = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = np.moveaxis(cube, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def test_lab_of_16_bits() -> None:
    lab = lab_of_srgb(quarters())
    lightness = (lab[..., 0] * 655.35).astype("<u2")
    opponents = (lab[..., 1:] * 256).astype("<i2").view("<u2")
    stored = np.concatenate([lightness[..., None], opponents], axis=-1)
    tags = {**RGB, 258: [16] * 3, 262: 8}
    assert difference(tiff_of(tags, strips=[stored.tobytes()])) < 3


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_either_byte_order_and_bigtiff(order: str, big: bool) -> None:
    tags = {**RGB, 258: [8] * 3}
    data = tiff_of(tags, order=order, big=big, strips=[quarters().tobytes()])
    assert difference(data) < 1


def test_white_is_zero() -> None:
    data = tiff_of({**GREY, 258: 8, 262: 0}, strips=[(255 - luma()).tobytes()])
    assert difference(data, repeated(luma())) < 1


def pages(*images: tuple[Image.Image, int]) -> bytes:
    for image, kind in images:
        image.encoderinfo = {"tiffinfo": {254: kind}}
    first, *others = (image for image, _ in images)
    return saved(first, "TIFF", save_all=True, append_images=others, tiffinfo={254: images[0][1]})


def test_a_thumbnail_that_comes_first_is_passed_over() -> None:
    thumbnail = Image.new("RGB", (12, 9), "white")
    assert difference(pages((thumbnail, 1), (picture(), 0))) < 1


def test_of_a_pyramid_the_full_page_is_read() -> None:
    smaller = Image.new("RGB", (60, 45), "white")
    assert difference(pages((picture(), 0), (smaller, 1), (smaller, 1))) < 1


def test_a_page_that_only_says_it_is_smaller_is_read_where_there_is_no_other() -> None:
    assert difference(pages((picture(), 1))) < 1


def test_a_broken_directory_behind_the_picture_does_no_harm() -> None:
    tags = {**RGB, 258: [8] * 3}
    data = tiff_of(tags, strips=[quarters().tobytes()], next_directory=8 + 2)
    assert difference(data) < 1


# PNG's gamma


def with_chunks(data: bytes, *chunks: bytes) -> bytes:
    return data[:33] + b"".join(chunks) + data[33:]


def gamma(value: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))


ADOBE_XY = (0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))


def chromaticities(values: tuple[float, ...]) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in values)))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_linear_png_is_brought_to_srgb(channels: int) -> None:
    data = with_chunks(png(np.full((64, 64, channels), 128, np.uint8)), gamma(1.0))
    assert np.abs(read_square(data, side=SIDE).astype(int) - 188).max() <= 1


def test_chromaticities_count_beside_a_gamma() -> None:
    colours = np.full((64, 64, 3), (150, 110, 90), np.uint8)
    by_chunks = with_chunks(png(colours), gamma(1 / 2.19921875), chromaticities(ADOBE_XY))
    profile = rgb_profile(ADOBE_RGB, 2.19921875)
    by_profile = saved(Image.fromarray(colours), "PNG", icc_profile=profile)
    found, wanted = (read_square(one, side=SIDE).astype(int) for one in (by_chunks, by_profile))
    assert np.abs(found - wanted).max() <= 1
    assert np.abs(found - colours[0, 0]).max() > 5


@pytest.mark.parametrize(
    "chunks",
    [
        (gamma(0.45455),),
        (gamma(1.0), chunk(b"sRGB", b"\0")),
        (chromaticities(ADOBE_XY),),
        (gamma(0.0),),
    ],
    ids=["the gamma of sRGB", "an sRGB chunk", "no gamma", "a gamma of nothing"],
)
def test_a_gamma_that_says_nothing_changes_nothing(chunks: tuple[bytes, ...]) -> None:
    data = saved(picture(), "PNG")
    plain = read_square(data, side=SIDE)
    np.testing.assert_array_equal(read_square(with_chunks(data, *chunks), side=SIDE), plain)


def test_chromaticities_on_one_line_are_ignored() -> None:
    data = with_chunks(saved(picture(), "PNG"), gamma(1.0), chromaticities((0.3, 0.3) * 4))
    assert difference(data) < 1


# Large pictures go through libvips


EXIF_TURNED = Image.Exif()
EXIF_TURNED[0x0112] = 6


@pytest.mark.parametrize(
    ("image", "kind", "options"),
    [
        (picture(), "PNG", {}),
        (picture(), "TIFF", {"compression": "tiff_lzw"}),
        (picture(), "WEBP", {"lossless": True}),
        (picture().convert("L"), "TIFF", {}),
        (picture().convert("CMYK"), "TIFF", {}),
        (picture().convert("P"), "PNG", {}),
        (picture().convert("1"), "TIFF", {"compression": "group4"}),
        (picture().convert("RGBA"), "PNG", {}),
        (Image.new("RGBA", (WIDTH, HEIGHT), (200, 0, 0, 128)), "PNG", {}),
        (Image.new("LA", (WIDTH, HEIGHT), (100, 128)), "PNG", {}),
        (picture(), "PNG", {"icc_profile": rgb_profile(ADOBE_RGB, 2.2)}),
        (picture(), "TIFF", {"exif": EXIF_TURNED}),
        (picture(), "PNG", {"exif": EXIF_TURNED}),
    ],
)
def test_a_large_picture_has_the_pixels_of_a_small_one(
    image: Image.Image, kind: str, options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = saved(image, kind, **options)
    by_pillow = read_square(data, side=16).astype(int)
    monkeypatch.setattr(reading, "_LARGE_PIXELS", 0)
    by_libvips = read_square(data, side=16).astype(int)
    assert np.abs(by_pillow - by_libvips).mean() < 1


def test_a_large_png_heeds_its_gamma(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_LARGE_PIXELS", 0)
    data = with_chunks(png(np.full((64, 64, 3), 128, np.uint8)), gamma(1.0))
    assert np.abs(read_square(data, side=SIDE).astype(int) - 188).max() <= 1


def test_a_path_is_read_as_its_bytes_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("PNG", "JPEG", "TIFF"):
        path = tmp_path / "picture"
        path.write_bytes(saved(picture(), kind))
        for large in (16_000_000, 0):
            monkeypatch.setattr(reading, "_LARGE_PIXELS", large)
            found = read(path, side=SIDE).pixels
            np.testing.assert_array_equal(found, read(path.read_bytes(), side=SIDE).pixels)


def test_without_pyvips_a_deep_tiff_is_refused_in_true_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streaming, "is_available", lambda: False)
    data = tiff_of(
        {**RGB, 258: [32] * 3, 339: [3] * 3}, strips=[quarters().astype("<f4").tobytes()]
    )
    with pytest.raises(MissingLibrary, match="pyvips"):
        read(data)
    assert difference(tiff_of({**RGB, 258: [8] * 3}, strips=[quarters().tobytes()])) < 1


# Files that may lie beside the project

SAMPLES = SHARED / "files"
HARMFUL = {"scans-500.jpg": TooMuchWork, "tile-of-20000.tif": TooMuchWork}
OTHERS = {*HARMFUL, "animated-7000.webp", "second-cmyk.tif"}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="../shared/files is absent")
def test_samples_are_the_picture_they_should_be() -> None:
    whole = quarters(240, 180)
    grey = repeated(np.asarray(Image.fromarray(whole).convert("L")))
    names = [path.name for path in SAMPLES.iterdir() if path.suffix != ".md"]
    for name in sorted({*names} - OTHERS):
        data = (SAMPLES / name).read_bytes()
        assert difference(data, grey if name.startswith("grey") else whole) < 3, name
        assert read(data).damaged == (name in ("no-eoi.jpg", "prog-cut-last-scan.jpg"))
    for name, error in HARMFUL.items():
        with pytest.raises(error):
            read((SAMPLES / name).read_bytes())
    assert not read((SAMPLES / "second-cmyk.tif").read_bytes()).damaged


# Budgets that headers tell


def test_more_scans_than_encoders_write_are_refused() -> None:
    data = saved(picture(), "JPEG", progressive=True)
    place = data.rindex(b"\xff\xda")
    with pytest.raises(TooMuchWork, match="more than 100 scans"):
        read(data[:place] + data[place:-2] * 100 + b"\xff\xd9")


def test_a_tile_much_larger_than_the_picture_is_refused() -> None:
    tags = {256: 64, 257: 64, 258: 8, 259: 1, 262: 1, 277: 1, 322: 5000, 323: 5000}
    with pytest.raises(TooMuchWork, match="tiles of 5,000 x 5,000"):
        read(tiff_of(tags, tiles=[bytes(100)]))


@pytest.mark.parametrize(
    ("image", "kind", "options", "bytes_a_pixel"),
    [
        (Image.new("RGB", (1000, 1000)), "PNG", {}, 4),
        (Image.new("RGBA", (1000, 1000)), "PNG", {}, 12),
        (Image.new("RGB", (1000, 1000)), "WEBP", {}, 16),
        (Image.new("L", (1000, 1000)), "JPEG", {"progressive": True}, 2),
    ],
)
def test_what_decoding_would_hold_is_refused_beforehand(
    image: Image.Image, kind: str, options: dict[str, object], bytes_a_pixel: int
) -> None:
    data = saved(image, kind, **options)
    with pytest.raises(TooMuchMemory, match=r"ARTSIMILARITY\[\"MAX_MEMORY\"\]"):
        read(data, limits=Limits(max_memory=1_000_000 * bytes_a_pixel - 1))
    assert read(data, limits=Limits(max_memory=1_000_000 * (bytes_a_pixel + 1)))
