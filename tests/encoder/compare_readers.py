"""Pillow, libvips and what this project makes of both, side by side.

``python -m tests.encoder.compare_readers 0.2 2 25 300`` makes pictures of so many megapixels in a
temporary folder (300 take 5 GB), has each read in a process of its own, and prints the tables of
docs/formats.md: pictures a second of processor time, and peak memory of the process in MiB.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

SIDE: Final = 224
SUFFIXES: Final = (
    ".jpg",
    "-progressive.jpg",
    ".png",
    "-strips.tif",
    "-tiles.tif",
    "-16-bit.tif",
)
SECONDS: Final = 2.0


def make(folder: Path, megapixels: float) -> None:
    import pyvips

    height = int((megapixels * 1e6 / 1.5) ** 0.5)
    width = int(1.5 * height)
    place = pyvips.Image.xyz(width, height)
    slopes = (place[0] * (200 / width)).bandjoin(place[1] * (200 / height))
    slopes = slopes.bandjoin((place[0] + place[1]) * (200 / (width + height)))
    noise = pyvips.Image.gaussnoise(width, height, sigma=12, mean=20)
    image = (slopes + noise).cast("uchar").copy(interpretation="srgb")
    path = str(folder / f"{megapixels:g}")
    image.jpegsave(path + ".jpg", Q=85)
    image.jpegsave(path + "-progressive.jpg", Q=85, interlace=True)
    image.pngsave(path + ".png", compression=3)
    image.tiffsave(path + "-strips.tif", compression="lzw", predictor="horizontal")
    image.tiffsave(path + "-tiles.tif", compression="deflate", tile=True)
    deep = (image.cast("ushort") * 257).cast("ushort").copy(interpretation="rgb16")
    deep.tiffsave(path + "-16-bit.tif")


def by_pillow(path: Path) -> None:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    with Image.open(path) as image:
        image.draft(None, (2 * SIDE, 2 * SIDE))
        rgb = image.convert("RGB")
        rgb.resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=3.0)


def by_libvips(path: Path) -> None:
    import pyvips

    pyvips.cache_set_max(0)
    options = {"height": SIDE, "size": "force", "output_profile": "srgb"}
    pyvips.Image.thumbnail(os.fspath(path), SIDE, **options).write_to_memory()


def by_read(path: Path) -> None:
    from PIL import Image

    from artsimilarity.encoder.pictures.reading import Limits, read

    Image.MAX_IMAGE_PIXELS = None  # as in a process that decodes
    read(path, side=SIDE, limits=Limits(max_bytes=2**32))


READERS: Final[dict[str, Callable[[Path], None]]] = {
    "Pillow": by_pillow,
    "libvips": by_libvips,
    "read": by_read,
}


def measure(reader: str, path: Path) -> None:
    READERS[reader](path)  # what is imported at first does not count
    started, done = time.process_time(), 0
    while not done or time.process_time() - started < SECONDS:
        READERS[reader](path)
        done += 1
    rate = done / (time.process_time() - started)
    status = Path("/proc/self/status").read_text()
    print(f"{rate:.3g} {int(status.split('VmHWM:')[1].split()[0]) / 1024:.0f}")


def main() -> None:
    if sys.argv[1] in READERS:
        measure(sys.argv[1], Path(sys.argv[2]))
        return
    names = " | ".join(f"{name} /s | MiB" for name in READERS)
    print(f"| megapixels | file | {names} |")
    print("|---:|---|" + "---:|---:|" * len(READERS))
    environment = {**os.environ, "VIPS_CONCURRENCY": "1", "MALLOC_ARENA_MAX": "1"}
    for megapixels in map(float, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder), megapixels)
            for suffix in SUFFIXES:
                path = Path(folder, f"{megapixels:g}{suffix}")
                cells = []
                for reader in READERS:
                    done = subprocess.run(
                        [sys.executable, "-m", "tests.encoder.compare_readers", reader, path],
                        capture_output=True,
                        check=False,
                        text=True,
                        env=environment,
                    )
                    cells += done.stdout.split() if done.returncode == 0 else ["–", "–"]
                kind = suffix.lstrip(".-")
                print(f"| {megapixels:g} | {kind} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
