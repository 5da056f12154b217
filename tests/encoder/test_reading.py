from __future__ import annotations

import io
import random
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from artsimilarity.encoder.pictures.reading import (
    DamagedPicture,
    EmptyFile,
    Limits,
    NotAPicture,
    PictureError,
    TooManyBytes,
    TooManyPixels,
    TooSmall,
    error_text,
    read_square,
)
from tests.encoder.icc import green_cyan_profile, grey_profile, rgb_profile
from tests.encoder.raw_files import cut_short_png, png, tiff

SIDE = 32
WHITE = (255, 255, 255)
RUST = (200, 40, 20)
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
SRGB_FROM_XYZ_D50 = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def plain(mode: str, value: object, size: tuple[int, int] = (64, 48)) -> Image.Image:
    return Image.new(mode, size, value)


def noise(width: int = 64, height: int = 64) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def assert_plain(data: bytes, rgb: tuple[float, ...], tolerance: float = 1) -> None:
    square = read_square(data, side=SIDE)
    assert square.shape == (SIDE, SIDE, 3)
    assert square.dtype == np.uint8
    difference = np.abs(square.astype(float) - np.array(rgb)).max()
    assert difference <= tolerance, f"{square[0, 0]} instead of {rgb}"


# Formats and geometry


FORMATS = ["JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP"]


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_keeps_its_colour(kind: str) -> None:
    assert_plain(saved(plain("RGB", RUST), kind), RUST, tolerance=2)


def test_only_the_first_picture_of_an_mpo_is_read() -> None:
    data = saved(
        plain("RGB", RUST), "MPO", save_all=True, append_images=[plain("RGB", (0, 0, 255))]
    )
    assert Image.open(io.BytesIO(data)).format == "MPO"
    assert_plain(data, RUST, tolerance=2)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF"])
def test_only_the_first_frame_or_page_is_read(kind: str) -> None:
    data = saved(plain("RGB", RUST), kind, save_all=True, append_images=[plain("RGB", (0, 0, 255))])
    assert_plain(data, RUST, tolerance=2)


def test_the_standard_side_is_224() -> None:
    assert read_square(saved(noise())).shape == (224, 224, 3)


@pytest.mark.parametrize("size", [(640, 100), (100, 640)])
def test_a_picture_is_squashed_whole_whatever_its_proportions(size: tuple[int, int]) -> None:
    image = plain("RGB", (255, 0, 0), size)
    width, height = size
    image.paste((0, 0, 255), (width // 2, 0, width, height))
    square = read_square(saved(image), side=SIDE)
    assert (square[:, :14] == (255, 0, 0)).all()
    assert (square[:, 18:] == (0, 0, 255)).all()


def test_squashing_averages_fine_detail() -> None:
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    square = read_square(saved(Image.fromarray(stripes)), side=SIDE)
    assert np.abs(square[:, 2:-2].astype(int) - 128).max() <= 3


def test_squashing_is_bilinear_with_antialiasing() -> None:
    # A triangle over two output pixels, as torchvision and the training of the weights have it.
    image = noise(128, 128)
    centres = (np.arange(SIDE) + 0.5) * 4
    distance = np.abs(np.arange(128)[None, :] + 0.5 - centres[:, None]) / 4
    weights = np.clip(1 - distance, 0, None)
    weights /= weights.sum(axis=1, keepdims=True)
    expected = np.einsum("yh,xw,hwc->yxc", weights, weights, np.asarray(image, dtype=float))
    found = read_square(saved(image), side=SIDE)
    assert np.abs(found - expected).max() <= 1.5


def test_a_large_jpeg_is_decoded_small_and_comes_out_as_its_png_does() -> None:
    image = noise(SIDE, SIDE).resize((8 * SIDE, 8 * SIDE), Image.Resampling.NEAREST)
    jpeg = saved(image, "JPEG", quality=98, subsampling=0)
    from_png = read_square(saved(image), side=SIDE).astype(int)
    assert np.abs(read_square(jpeg, side=SIDE) - from_png).mean() < 3


@pytest.mark.parametrize(("side", "decoded"), [(224, 500), (448, 500), (600, 1000)])
def test_a_jpeg_is_decoded_at_the_least_size_that_leaves_something_to_average(
    side: int, decoded: int
) -> None:
    random = np.random.default_rng(0).integers(0, 256, (500, 500, 3), np.uint8)
    large = Image.fromarray(random).resize((4000, 4000), Image.Resampling.BICUBIC)
    data = saved(large, "JPEG", quality=92)
    image = Image.open(io.BytesIO(data))
    image.draft(None, (decoded, decoded))
    assert image.size == (decoded, decoded)
    expected = image.resize((side, side), Image.Resampling.BILINEAR)
    assert np.array_equal(read_square(data, side=side), np.asarray(expected))


def test_a_large_png_comes_out_as_by_exact_averaging() -> None:
    image = noise(SIDE * 24, SIDE * 24)
    found = read_square(saved(image), side=SIDE).astype(int)
    exact = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(found - exact).max() <= 6


def test_the_same_bytes_give_the_same_square() -> None:
    data = saved(noise(500, 300), "JPEG")
    np.testing.assert_array_equal(read_square(data), read_square(data))


# Orientation

STORED: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda upright: upright,
    2: np.fliplr,
    3: lambda upright: np.rot90(upright, 2),
    4: np.flipud,
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: np.rot90(upright, 2).transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}


def assert_is_upright(data: bytes) -> None:
    """Red top left, green top right, blue bottom left, black bottom right."""
    corners = read_square(data, side=SIDE)[[3, 3, -4, -4], [3, -4, 3, -4]].astype(int)
    expected = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)]
    assert np.abs(corners - expected).max() <= 8, corners


def turned(orientation: int, kind: str) -> bytes:
    upright = np.zeros((64, 96, 3), np.uint8)
    upright[:32, :48, 0] = upright[:32, 48:, 1] = upright[32:, :48, 2] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95, "subsampling": 0}}.get(kind, {})
    return saved(image, kind, exif=exif, **options)


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_turns_the_picture_upright(kind: str, orientation: int) -> None:
    assert_is_upright(turned(orientation, kind))


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_does_not_exist_is_ignored(orientation: int) -> None:
    data = turned(1, "JPEG")
    exif = Image.Exif()
    exif[0x0112] = orientation
    broken = io.BytesIO()
    Image.open(io.BytesIO(data)).save(broken, "JPEG", quality=95, subsampling=0, exif=exif)
    assert_is_upright(broken.getvalue())


def test_broken_exif_is_ignored() -> None:
    assert_plain(saved(plain("RGB", RUST), "JPEG", exif=b"Exif\0\0MM\0*\0\0"), RUST, tolerance=2)


# Colour modes


def test_cmyk_red_comes_out_red() -> None:
    assert_plain(saved(plain("CMYK", (0, 255, 255, 0)), "TIFF"), (255, 0, 0))


def test_inverted_cmyk_with_adobes_marker_comes_out_right() -> None:
    data = saved(plain("CMYK", (0, 255, 255, 0)), "JPEG")
    assert b"Adobe" in data
    assert_plain(data, (255, 0, 0), tolerance=2)


def test_cmyk_without_adobes_marker_is_inverted_as_browsers_have_it() -> None:
    data = saved(plain("CMYK", (0, 255, 255, 0)), "JPEG")
    marker = data.index(b"\xff\xee")
    length = int.from_bytes(data[marker + 2 : marker + 4], "big")
    without = data[:marker] + data[marker + 2 + length :]
    assert b"Adobe" not in without
    assert_plain(without, (255, 0, 0), tolerance=2)


def test_cmyk_of_16_bits_comes_out_right() -> None:
    samples = np.full((64, 64, 4), (0, 65535, 65535, 0), "<u2").tobytes()
    assert_plain(tiff(samples, 64, 64, bits=16, channels=4, photometric=5), (255, 0, 0))


def test_greyscale_becomes_equal_red_green_and_blue() -> None:
    assert_plain(saved(plain("L", 77)), (77, 77, 77))


def test_one_bit_is_averaged_to_grey() -> None:
    checks = Image.fromarray(np.uint8(np.indices((128, 128)).sum(axis=0) % 2 * 255)).convert("1")
    assert_plain(saved(checks), (128, 128, 128), tolerance=2)
    assert_plain(saved(checks, "TIFF", compression="group4"), (128, 128, 128), tolerance=2)


def test_a_palette_is_looked_up_before_averaging() -> None:
    image = Image.new("P", (64, 64))
    image.putpalette([255, 0, 0, 9, 9, 9, 0, 0, 255])
    image.putdata([0, 2] * 32 * 64)
    inner = read_square(saved(image), side=SIDE)[:, 1:-1].astype(int)
    assert np.abs(inner - (128, 0, 128)).max() <= 1


def test_ycbcr_comes_out_as_rgb() -> None:
    assert_plain(saved(plain("RGB", RUST).convert("YCbCr"), "TIFF"), RUST, tolerance=3)


def test_lab_comes_out_as_rgb() -> None:
    # Lab (D50) of pure sRGB red is about 54.3, 80.8, 69.9; a and b are stored from 128.
    lab = plain("LAB", (138, 209, 198))
    assert_plain(saved(lab, "TIFF"), (255, 0, 0), tolerance=6)


MIDDLE = 32896  # 128 * 257


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
def test_grey_of_16_bits_keeps_its_middle_in_tiff(mode: str) -> None:
    order = ">u2" if mode == "I;16B" else "<u2"
    image = Image.frombytes(mode, (64, 64), np.full((64, 64), MIDDLE, order).tobytes())
    assert_plain(saved(image, "TIFF"), (128, 128, 128))


def test_grey_of_16_bits_keeps_its_middle_in_png() -> None:
    assert_plain(png(np.full((64, 64, 1), MIDDLE, np.uint16)), (128, 128, 128))


def test_grey_of_12_bits_keeps_its_middle() -> None:
    samples = bytes([0x80, 0x08, 0x00]) * (64 * 32)  # two values of 0x800
    assert_plain(tiff(samples, 64, 64, bits=12), (128, 128, 128))


def test_grey_of_16_bits_that_counts_from_white_is_turned() -> None:
    samples = np.full((64, 64), 10 * 257, "<u2").tobytes()
    assert_plain(tiff(samples, 64, 64, bits=16, photometric=0), (245, 245, 245))


def test_signed_grey_of_16_bits_counts_to_65535() -> None:
    samples = np.full((64, 64), 100 * 257, "<i2").tobytes()
    assert_plain(tiff(samples, 64, 64, bits=16, sample_format=2), (100, 100, 100))


def test_unsigned_grey_of_32_bits_keeps_its_upper_half() -> None:
    samples = np.full((64, 64), 2**31 + 2**30, "<u4").tobytes()
    assert_plain(tiff(samples, 64, 64, bits=32), (191, 191, 191))


@pytest.mark.parametrize("value", [128, MIDDLE])
def test_grey_of_32_bits_takes_the_smallest_customary_scale(value: int) -> None:
    image = Image.fromarray(np.full((64, 64), value, np.int32))
    assert_plain(saved(image, "TIFF"), (128, 128, 128))


@pytest.mark.parametrize(("value", "grey"), [(0.5, 128), (100.0, 100), (MIDDLE, 128), (-3.0, 0)])
def test_floats_take_the_smallest_customary_scale(value: float, grey: int) -> None:
    image = Image.fromarray(np.full((64, 64), value, np.float32))
    assert_plain(saved(image, "TIFF"), (grey, grey, grey))


def test_floats_that_are_no_numbers_become_black() -> None:
    values = np.full((64, 64), 200, np.float32)
    values[:32] = np.array([np.nan, np.inf] * 32)
    square = read_square(saved(Image.fromarray(values), "TIFF"), side=SIDE)
    assert (square[:12] == 0).all()
    assert (square[20:] == 200).all()


def test_rgb_of_16_bits_keeps_its_colour() -> None:
    deep = np.full((64, 64, 3), [value * 257 for value in RUST], np.uint16)
    assert_plain(png(deep), RUST)
    assert_plain(
        tiff(deep.astype("<u2").tobytes(), 64, 64, bits=16, channels=3, photometric=2), RUST
    )


# Transparency


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_transparent_becomes_white_whatever_colour_is_hidden(kind: str) -> None:
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    assert_plain(saved(plain("RGBA", (*RUST, 0)), kind, **options), WHITE)


def test_half_transparent_mixes_with_white() -> None:
    assert_plain(saved(plain("RGBA", (200, 0, 0, 128))), (227, 127, 127), tolerance=2)


def test_a_hidden_colour_does_not_bleed_over_the_edge() -> None:
    image = plain("RGBA", (0, 0, 0, 0), (256, 256))
    image.paste((255, 255, 255, 255), (0, 0, 128, 256))
    assert_plain(saved(image), WHITE)


def test_grey_with_alpha_mixes_with_white() -> None:
    assert_plain(saved(plain("LA", (100, 128))), (177, 177, 177), tolerance=2)


def test_alpha_of_16_bits_mixes_with_white() -> None:
    rgba = np.full((64, 64, 4), (200 * 257, 0, 0, MIDDLE), np.uint16)
    assert_plain(png(rgba), (227, 127, 127), tolerance=2)
    assert_plain(png(rgba[..., [0, 3]]), (227, 227, 227), tolerance=2)


def test_premultiplied_alpha_is_not_multiplied_again() -> None:
    samples = np.full((64, 64, 4), (100, 0, 0, 128), np.uint8).tobytes()
    data = tiff(samples, 64, 64, bits=8, channels=4, photometric=2, extra_samples=1)
    assert_plain(data, (227, 127, 127), tolerance=2)


@pytest.mark.parametrize(
    ("mode", "value"), [("RGB", (1, 2, 3)), ("L", 7), ("1", 0), ("P", 0), ("I;16", 7000)]
)
def test_a_transparent_colour_of_a_png_becomes_white(mode: str, value: object) -> None:
    assert_plain(saved(plain(mode, value), transparency=value), WHITE)
    assert (read_square(saved(plain(mode, value)), side=SIDE) < 255).all()


def test_a_transparent_colour_of_16_bits_becomes_white() -> None:
    deep = np.full((64, 64, 3), (52000, 10000, 700), np.uint16)
    assert_plain(png(deep, transparent=(52000, 10000, 700)), WHITE)


def test_a_palette_with_degrees_of_transparency_mixes_with_white() -> None:
    image = Image.new("P", (64, 64), 1)
    image.putpalette([0, 0, 0, 200, 0, 0])
    assert_plain(saved(image, transparency=bytes([0, 128])), (227, 127, 127), tolerance=2)


def test_a_transparent_colour_of_a_gif_becomes_white() -> None:
    image = Image.new("P", (64, 64), 1)
    image.putpalette([0, 0, 0, *RUST])
    assert_plain(saved(image, "GIF", transparency=1), WHITE)


# Colour management


def srgb(linear_xyz: np.ndarray) -> tuple[float, ...]:
    linear = np.clip(SRGB_FROM_XYZ_D50 @ linear_xyz, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return tuple(255 * encoded)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_wide_profile_is_brought_to_srgb(kind: str) -> None:
    rgb, gamma = (150, 110, 90), 2.19921875
    expected = srgb(np.array(ADOBE_RGB).T @ (np.array(rgb) / 255) ** gamma)
    assert expected[0] - rgb[0] > 5  # more saturated numbers for the same colour
    options = {"lossless": True} if kind == "WEBP" else {}
    profile = rgb_profile(ADOBE_RGB, gamma)
    data = saved(plain("RGB", rgb), kind, icc_profile=profile, **options)
    assert_plain(data, expected, tolerance=3)


def test_a_grey_profile_is_brought_to_srgb() -> None:
    expected = 255 * (1.055 * (128 / 255) ** (1 / 2.4) - 0.055)
    data = saved(plain("L", 128), icc_profile=grey_profile(gamma=1.0))
    assert_plain(data, (expected,) * 3, tolerance=2)


def test_an_rgb_profile_serves_a_grey_picture_too() -> None:
    data = saved(plain("L", 128), icc_profile=rgb_profile(ADOBE_RGB, gamma=1.0))
    assert_plain(data, (188, 188, 188), tolerance=2)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_a_cmyk_profile_says_what_the_inks_look_like(kind: str) -> None:
    profile = green_cyan_profile()
    cyan = saved(plain("CMYK", (255, 0, 0, 0)), kind, icc_profile=profile)
    black = saved(plain("CMYK", (0, 0, 0, 255)), kind, icc_profile=profile)
    assert_plain(cyan, (0, 255, 0), tolerance=12)
    assert_plain(black, WHITE, tolerance=2)


def test_a_profile_leaves_transparent_white() -> None:
    profile = rgb_profile(ADOBE_RGB, gamma=1.0)
    assert_plain(saved(plain("RGBA", (*RUST, 0)), icc_profile=profile), WHITE)


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(b"no profile", id="garbage"),
        pytest.param(rgb_profile(ADOBE_RGB, 1.0)[:200], id="truncated"),
        pytest.param(grey_profile(1.0), id="for grey"),
        pytest.param(green_cyan_profile(), id="for CMYK"),
    ],
)
def test_a_profile_that_is_broken_or_of_another_space_is_ignored(profile: bytes) -> None:
    assert_plain(saved(plain("RGB", RUST), icc_profile=profile), RUST)


# Refusals


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(EmptyFile, match="empty"):
        read_square(b"")


def test_a_file_over_the_byte_limit_is_refused_with_the_setting() -> None:
    data = saved(noise())
    with pytest.raises(TooManyBytes, match=r'more than 12,000 bytes.*ARTSIMILARITY\["MAX_BYTES"\]'):
        read_square(data, limits=Limits(max_bytes=12_000))


def test_a_file_at_the_byte_limit_is_read() -> None:
    data = saved(noise())
    assert read_square(data, side=SIDE, limits=Limits(max_bytes=len(data))).shape[0] == SIDE


@pytest.mark.parametrize(
    "data",
    [
        b"Dear colleague, the scan follows by post.\n" * 20,
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        b"\0" * 100,
        saved(plain("RGB", RUST), "PPM"),
    ],
    ids=["text", "SVG", "PDF", "zeros", "PPM"],
)
def test_a_file_of_another_kind_is_refused(data: bytes) -> None:
    with pytest.raises(
        NotAPicture, match="JPEG, PNG, TIFF, WebP, GIF, BMP, PSD, JPEG 2000, AVIF or HEIC"
    ):
        read_square(data)


def test_a_picture_over_the_pixel_limit_is_refused_with_the_setting() -> None:
    data = saved(plain("RGB", RUST, (50, 41)))
    with pytest.raises(
        TooManyPixels, match=r'50 x 41 = 2,050 .* 2,049 .*ARTSIMILARITY\["MAX_PIXELS"\]'
    ):
        read_square(data, limits=Limits(max_pixels=2049))


def test_a_picture_at_the_pixel_limit_is_read() -> None:
    data = saved(plain("RGB", RUST, (50, 41)))
    assert read_square(data, side=SIDE, limits=Limits(max_pixels=2050)).shape[0] == SIDE


def test_a_decompression_bomb_is_refused_from_its_header() -> None:
    with pytest.raises(TooManyPixels, match=r"3600000000 pixels.*MAX_IMAGE_PIXELS"):
        read_square(cut_short_png(60_000, 60_000), limits=Limits(max_pixels=10**10))


def test_pillows_limit_is_left_as_it_is() -> None:
    before = Image.MAX_IMAGE_PIXELS
    read_square(saved(noise()), limits=Limits(max_pixels=10**9))
    assert before == Image.MAX_IMAGE_PIXELS


def test_pillows_warning_below_the_limit_is_silent() -> None:
    # 100 million pixels: Pillow warns, and warnings are errors here.
    with pytest.raises(DamagedPicture, match=r"PNG file is damaged or incomplete \(image file is"):
        read_square(cut_short_png(10_000, 10_000))


def test_a_large_tiff_is_read_without_pillows_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3000)
    assert_plain(saved(plain("RGB", RUST, (64, 48)), "TIFF"), RUST)


def test_reading_in_threads_leaves_the_filters_of_warnings_as_they_were() -> None:
    data = saved(noise(), "GIF")
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        squares = list(pool.map(read_square, [data] * 40))
    assert list(warnings.filters) == before
    assert all((square == squares[0]).all() for square in squares)


@pytest.mark.parametrize("size", [(1, 1), (15, 400), (400, 15)])
def test_a_picture_with_too_short_a_side_is_refused(size: tuple[int, int]) -> None:
    width, height = size
    with pytest.raises(TooSmall, match=rf"{width} x {height} pixels; .* at least 16"):
        read_square(saved(plain("RGB", RUST, size)))


def test_a_picture_with_the_shortest_side_is_read() -> None:
    assert_plain(saved(plain("RGB", RUST, (16, 16))), RUST)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "GIF"])
@pytest.mark.parametrize("share", [0.1, 0.3])
def test_a_file_of_which_less_than_half_is_there_is_damaged(kind: str, share: float) -> None:
    data = saved(noise(), kind)
    with pytest.raises(DamagedPicture, match=r"damaged.*Replace it with a sound copy"):
        read_square(data[: int(len(data) * share)])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "GIF"])
def test_a_file_that_ends_in_its_header_is_damaged(kind: str) -> None:
    with pytest.raises(DamagedPicture, match=r"begins like a .* header is damaged"):
        read_square(saved(noise(), kind)[:12])


@pytest.mark.parametrize("kind", [*FORMATS, "JPEG2000", "AVIF"])
def test_corrupt_bytes_give_a_picture_or_a_typed_error_with_a_steady_message(kind: str) -> None:
    options = {"compression": "tiff_lzw"} if kind == "TIFF" else {}
    sound = saved(noise(40, 40), kind, **options)
    chance = random.Random(kind)
    outcomes = []
    for _ in range(300):
        corrupt = bytearray(sound)
        for _ in range(chance.randint(1, 6)):
            end = min(len(corrupt), 200) if chance.random() < 0.6 else len(corrupt)
            corrupt[chance.randrange(end)] = chance.randrange(256)
        outcome = square_or_message(bytes(corrupt))
        assert square_or_message(bytes(corrupt)) == outcome
        outcomes.append(outcome)
    messages = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert len(messages) > 10
    assert all(text.isprintable() and " at 0x" not in text for text in messages)


def square_or_message(data: bytes) -> bytes | str:
    try:
        return read_square(data, side=SIDE).tobytes()
    except PictureError as error:
        return str(error)


def test_an_error_keeps_pillows_own_as_its_cause() -> None:
    with pytest.raises(DamagedPicture) as caught:
        read_square(saved(noise())[:5000])
    assert isinstance(caught.value.__cause__, OSError)


def test_the_text_of_an_error_is_printable_and_the_same_at_every_run() -> None:
    error = OSError(f"cannot read {io.BytesIO()!r}\n\0at all")
    assert error_text(error) == "cannot read the file  at all"
    assert error_text(KeyError()) == "KeyError"
    assert len(error_text(OSError("long " * 100))) == 200


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux counts it")
def test_a_large_jpeg_is_never_decoded_whole() -> None:
    program = """
import re, sys
from artsimilarity.encoder.pictures.reading import read_square
def peak():
    return int(re.search("VmHWM:(.*)kB", open("/proc/self/status").read())[1])
data = sys.stdin.buffer.read()
before = peak()
read_square(data)
print(peak() - before)
"""
    data = saved(plain("RGB", RUST, (6000, 6000)), "JPEG")  # 144 MB when whole
    done = subprocess.run(
        [sys.executable, "-c", program], input=data, capture_output=True, check=True
    )
    assert int(done.stdout) < 50_000  # KiB


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory by Linux's own means")
def test_want_of_memory_is_no_fault_of_the_picture() -> None:
    program = """
import resource, sys
import numpy
from artsimilarity.encoder.pictures.reading import read_square
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 100 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    read_square(sys.stdin.buffer.read())
except MemoryError:
    print("MemoryError")
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=cut_short_png(12_000, 12_000),
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().strip() == "MemoryError"


class Turn:
    """A lock that counts how often it was taken."""

    def __init__(self) -> None:
        self.taken = 0

    def __enter__(self) -> None:
        self.taken += 1

    def __exit__(self, *error: object) -> None:
        pass


@pytest.mark.parametrize(
    ("size", "kind", "options", "taken"),
    [
        ((4001, 4000), "PNG", {}, 1),
        ((4000, 4000), "PNG", {}, 0),
        ((4001, 4000), "JPEG", {}, 0),
        ((4001, 4000), "JPEG", {"progressive": True}, 1),
    ],
    ids=["large", "not large", "a JPEG is reduced", "a progressive JPEG is not"],
)
def test_a_picture_that_takes_much_memory_waits_for_its_turn(
    size: tuple[int, int], kind: str, options: dict[str, object], taken: int
) -> None:
    data = saved(Image.new("L", size), kind, **options)
    turn = Turn()
    np.testing.assert_array_equal(read_square(data, large=turn), read_square(data))
    assert turn.taken == taken
