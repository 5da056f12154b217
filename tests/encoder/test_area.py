"""The picture's own area: found within scans, and nothing taken from what is no scan."""

from __future__ import annotations

import csv
import subprocess
import sys
from dataclasses import astuple

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from artsimilarity.encoder.pictures.area import _connected, find_area
from artsimilarity.encoder.pictures.crop import WHOLE, in_proportion
from artsimilarity.encoder.pictures.reading import read
from tests.encoder.scans import SCANS, grain, in_frame, on_ground, painting
from tests.encoder.shared import BENCH, needs_bench

# Pictures of bench that have a margin, a mat or a frame in their files, by eye (see
# docs/quality.md); all others must be left alone.
WITH_MARGIN = frozenset(
    {
        "anna-ostroumova-lebedeva/french-embankment-1922.jpg",
        "anna-ostroumova-lebedeva/neva-early-in-the-morning-1922.jpg",
        "aubrey-beardsley/hail-and-farewell.jpg",
        "aubrey-beardsley/the-cave-of-spleen.jpg",
        "aubrey-beardsley/the-wagnerites.jpg",
        "carl-larsson/old-anna.jpg",
        "fernand-leger/a-b-c-1927.jpg",
        "fernand-leger/composition-1924.jpg",
        "fernand-leger/study-for-the-creation-of-the-world-1924.jpg",
        "fernand-leger/the-inhuman-1923.jpg",
        "fernand-leger/the-mask-negro.jpg",
        "ito-jakuchu/cactus-and-roosters-1789.jpg",
        "ito-jakuchu/tiger-1755.jpg",
        "jean-baptiste-oudry/still-life-with-hare-duck-loaf-of-bread-cheese-and-flasks-of-wine-1742.jpg",
        "juan-gris/the-open-book-1925.jpg",
        "laszlo-moholy-nagy/am-7-26-1926.jpg",
        "laszlo-moholy-nagy/composition-a-xxi-1925.jpg",
        "laszlo-moholy-nagy/construction-1923.jpg",
        "laszlo-moholy-nagy/lands.jpg",
        "laszlo-moholy-nagy/large-painting-of-the-railroad-1920.jpg",
        "laszlo-moholy-nagy/oskar-schlemmer-in-ascona-1926.jpg",
        "laszlo-moholy-nagy/space-modulator-experiment-aluminum-5-1931.jpg",
        "laszlo-moholy-nagy/xanti-schawinsky-on-a-bauhaus-balcony.jpg",
        "leonardo-da-vinci/canal-bridge.jpg",
        "leonardo-da-vinci/galloping-rider-and-other-figures.jpg",
        "leonardo-da-vinci/studies-of-the-villa-melzi-and-anatomical-study-1513.jpg",
        "leonardo-da-vinci/study-for-madonna-and-child-with-st-anne.jpg",
        "leonardo-da-vinci/study-sheet-with-cats-dragon-and-other-animals.jpg",
        "leonardo-da-vinci/study-sheet-with-horses.jpg",
        "michelangelo/design-for-laurentian-library-doors-and-an-external-window.jpg",
        "pavel-filonov/the-dray-men-1915.jpg",
        "theo-van-doesburg/cover-of-classic-modern-baroque-1920.jpg",
        "theo-van-doesburg/dancers-1916.jpg",
        "theo-van-doesburg/design-for-an-exhibition-poster-for-la-section-d-or.jpg",
        "theodor-severin-kittelsen/bjoernen-og-reven.jpg",
        "vincent-van-gogh/wheat-field-with-setting-sun-1888.jpg",
    }
)


def assert_finds(scan: Image.Image, box: tuple[float, ...], angle: float = 0.0) -> None:
    found = find_area(np.asarray(scan))
    np.testing.assert_allclose(astuple(found)[:4], box, atol=0.02)
    assert found.angle == pytest.approx(angle, abs=0.4)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", SCANS)
def test_the_picture_is_found_within_its_scan(kind: str, seed: int) -> None:
    scan, box = SCANS[kind](painting(seed))
    assert_finds(scan, box)


@pytest.mark.parametrize("kind", ["white margin", "frame and mat", "book page"])
def test_upright_pictures_are_found_as_well_as_lying_ones(kind: str) -> None:
    scan, box = SCANS[kind](painting(1, (150, 240)))
    assert_finds(scan, box)


@pytest.mark.parametrize("angle", [-5.0, -2.0, 0.8, 3.0, 5.0])
def test_a_turned_picture_is_found_with_its_angle(angle: float) -> None:
    scan, box = on_ground(painting(2), (250, 250, 248), (40,) * 4)
    # Pillow turns the other way round, about the same middle.
    turned = scan.rotate(-angle, Image.Resampling.BICUBIC, fillcolor=(250, 250, 248))
    assert_finds(turned, box, angle)


@pytest.mark.parametrize("angle", [-3.0, 1.5])
def test_corners_that_turning_left_are_cut_off(angle: float) -> None:
    picture = painting(2)
    turned = picture.rotate(-angle, Image.Resampling.BICUBIC, expand=True, fillcolor=(250,) * 3)
    width, height = picture.width / turned.width, picture.height / turned.height
    box = ((1 - width) / 2, (1 - height) / 2, (1 + width) / 2, (1 + height) / 2)
    assert_finds(turned, box, angle)


def test_a_scan_of_any_size_gives_the_same_area() -> None:
    scan, box = in_frame(painting(0))
    large = scan.resize((scan.width * 4, scan.height * 4), Image.Resampling.BICUBIC)
    assert_finds(large, box)


@pytest.mark.parametrize("seed", range(6))
def test_a_picture_without_margin_is_left_alone(seed: int) -> None:
    assert find_area(np.asarray(painting(seed))) == WHOLE


def drawing() -> Image.Image:
    """Strokes here and there on paper."""
    paper = Image.new("RGB", (240, 300), (238, 232, 215))
    draw, rng = ImageDraw.Draw(paper), np.random.default_rng(5)
    for _ in range(40):
        points = [tuple(point) for point in rng.integers((40, 50), (200, 250), (4, 2)).tolist()]
        draw.line(points, fill=(70, 50, 40), width=2, joint="curve")
    return grain(paper)


def sky() -> Image.Image:
    """An even sky above a straight horizon."""
    picture = painting(3)
    ImageDraw.Draw(picture).rectangle([0, 0, picture.width, 80], fill=(190, 205, 230))
    return grain(picture)


def circle() -> Image.Image:
    """One round shape on an even ground."""
    picture = Image.new("RGB", (240, 240), (30, 30, 34))
    ImageDraw.Draw(picture).ellipse([40, 40, 200, 200], fill=(200, 60, 40))
    return grain(picture)


def letters() -> Image.Image:
    """Bars as of a monogram: straight, but no rectangle."""
    picture = Image.new("RGB", (240, 240), (245, 245, 240))
    draw = ImageDraw.Draw(picture)
    for bar in ([40, 40, 70, 200], [105, 40, 135, 170], [40, 40, 200, 65], [170, 90, 200, 200]):
        draw.rectangle(bar, fill=(20, 20, 20))
    return grain(picture)


def even() -> Image.Image:
    return grain(Image.new("RGB", (240, 200), (128, 128, 128)))


@pytest.mark.parametrize("draw", [drawing, sky, circle, letters, even])
def test_what_is_no_rectangle_on_its_ground_is_left_alone(draw: object) -> None:
    assert callable(draw)
    assert find_area(np.asarray(draw())) == WHOLE


def test_paper_is_cut_where_it_lies_on_another_ground() -> None:
    scan, box = on_ground(drawing(), (40, 60, 90))
    assert_finds(scan, box)


def test_the_same_scan_gives_the_very_same_area() -> None:
    scan, _ = in_frame(painting(4))
    assert find_area(np.asarray(scan)) == find_area(np.asarray(scan.copy()))


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 400, 3), (47, 47, 3), (5, 900, 3)])
def test_what_is_too_small_to_tell_is_left_alone(shape: tuple[int, int, int]) -> None:
    assert find_area(np.zeros(shape, np.uint8)) == WHOLE


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 3), np.float32)],
)
def test_pixels_of_another_shape_or_type_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"uint8 array of shape \(height, width, 3\)"):
        find_area(pixels)


@needs_bench
@pytest.mark.slow
def test_hardly_any_picture_without_margin_is_cut() -> None:
    with (BENCH / "bench.csv").open(encoding="utf-8") as table:
        paths = [row["path"] for row in csv.DictReader(table)]
    cut = []
    for path in paths:
        scan = read(BENCH / path, side=448)
        area = find_area(np.asarray(in_proportion(scan.image, scan.proportion)))
        if area.share < 0.97 and path not in WITH_MARGIN:
            cut.append(path)
    assert len(cut) <= 0.01 * len(paths), cut


def test_looking_for_areas_loads_no_torch() -> None:
    command = (
        "import sys; import artsimilarity.encoder.pictures.seen; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, check=True)
    assert done.stdout.split() == [b"False"]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.6, 0.9, 1.0])
def test_coherent_cells_are_those_that_scipy_labels_alike(share: float) -> None:
    cells = np.random.default_rng(0).random((90, 120)) < share
    found, expected = _connected(cells), ndimage.label(cells)[0]
    pairs = set(zip(found.ravel().tolist(), expected.ravel().tolist(), strict=True))
    assert len(pairs) == len(np.unique(found)) == len(np.unique(expected))
    assert (0, 0) in pairs or share == 1.0
