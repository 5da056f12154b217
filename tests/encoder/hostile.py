"""Files made to do harm, none over 100 KB, and what each costs.

``python -m tests.encoder.hostile`` makes each, has it decoded in a process of its own, as a worker
does and as a web process does, and prints the table of docs/security.md.
"""

from __future__ import annotations

import io
import json
import random
import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from artsimilarity.encoder.pictures.limits import Limits, PictureError
from artsimilarity.encoder.pictures.processes import DecodingProcesses
from tests.encoder.raw_files import chunk, start_of_png, tiff_of

MOST_BYTES: Final = 100_000

BUDGETS: Final = {
    "worker": Limits(),
    "web": Limits(
        max_bytes=20 * 2**20, max_pixels=50_000_000, max_memory=512 * 2**20, max_seconds=5.0
    ),
}

KINDS: Final[dict[str, Callable[[], bytes]]] = {}


def kind(name: str) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    def keep(make: Callable[[], bytes]) -> Callable[[], bytes]:
        KINDS[name] = make
        return make

    return keep


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def grey(width: int, height: int, value: int = 90) -> Image.Image:
    return Image.new("L", (width, height), value)


def noise(side: int = 120) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(values)


# JPEG


def with_scans(scans: int, side: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again, empty."""
    data = saved(grey(side, side), "JPEG", progressive=True)
    place = data.rindex(b"\xff\xda")
    return data[:place] + data[place:-2] * scans + b"\xff\xd9"


@kind("JPEG: 2,000 empty scans over 9 megapixels")
def _() -> bytes:
    return with_scans(2000, 3000)


@kind("JPEG: 90 empty scans over 20 megapixels, fewer than are refused")
def _() -> bytes:
    return with_scans(90, 4500)


def resized_jpeg(width: int, height: int, **options: object) -> bytes:
    """A small JPEG that says it is large."""
    data = saved(grey(64, 64), "JPEG", **options)
    frame = data.index(b"\xff\xc2" if options.get("progressive") else b"\xff\xc0")
    return data[: frame + 5] + struct.pack(">HH", height, width) + data[frame + 9 :]


@kind("JPEG: says 49 megapixels, has 64 x 64")
def _() -> bytes:
    return resized_jpeg(7000, 7000)


@kind("JPEG: says 484 megapixels, has 64 x 64")
def _() -> bytes:
    return resized_jpeg(22000, 22000)


@kind("JPEG: progressive, says 484 megapixels, has 64 x 64")
def _() -> bytes:
    return resized_jpeg(22000, 22000, progressive=True)


@kind("JPEG: says 4.3 gigapixels")
def _() -> bytes:
    return resized_jpeg(65500, 65500)


def with_segments(marker: int, payloads: list[bytes]) -> bytes:
    data = saved(noise(), "JPEG")
    segments = (
        struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload for payload in payloads
    )
    return data[:2] + b"".join(segments) + data[2:]


@kind("JPEG: ICC profile of 64 KB of noise")
def _() -> bytes:
    return with_segments(0xE2, [b"ICC_PROFILE\0\1\1" + random.Random(0).randbytes(64_000)])


@kind("JPEG: 255 pieces of an ICC profile, each the first")
def _() -> bytes:
    return with_segments(0xE2, [b"ICC_PROFILE\0\1\xff" + bytes(200)] * 255)


@kind("JPEG: EXIF directory that is its own next one")
def _() -> bytes:
    return with_segments(0xE1, [b"Exif\0\0" + tiff_of({}, next_directory=8)])


@kind("JPEG: EXIF of 5,000 entries that say 4 GB each")
def _() -> bytes:
    entries = b"".join(struct.pack("<HHII", tag, 1, 2**32 - 1, 8) for tag in range(5000))
    return with_segments(0xE1, [b"Exif\0\0II*\0" + struct.pack("<IH", 8, 5000) + entries])


@kind("JPEG: XMP of 60 KB, elements 20,000 deep")
def _() -> bytes:
    return with_segments(0xE1, [b"http://ns.adobe.com/xap/1.0/\0" + b"<a>" * 20_000])


@kind("JPEG: 19,000 comments")
def _() -> bytes:
    return with_segments(0xFE, [b""] * 19_000)


@kind("JPEG: a multi-picture index that points anywhere")
def _() -> bytes:
    return with_segments(0xE2, [b"MPF\0" + random.Random(1).randbytes(4000)])


# PNG


def png_bomb(
    width: int, height: int, *, bits: int, kind: int = 0, interlaced: bool = False
) -> bytes:
    channels = {0: 1, 2: 3, 6: 4}[kind]
    row = 1 + (width * bits * channels + 7) // 8
    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(bytes(row)) for _ in range(height)) + packer.flush()
    head = start_of_png(width, height, bits=bits, kind=kind, interlaced=interlaced)
    return head + chunk(b"IDAT", pixels[: MOST_BYTES - 200]) + chunk(b"IEND", b"")


@kind("PNG: 484 megapixels of one bit, all black")
def _() -> bytes:
    return png_bomb(22000, 22000, bits=1)


@kind("PNG: 49 megapixels of grey, all black")
def _() -> bytes:
    return png_bomb(7000, 7000, bits=8)


@kind("PNG: 12 megapixels of RGBA with 16 bits, all black")
def _() -> bytes:
    return png_bomb(3500, 3500, bits=16, kind=6)


@kind("PNG: interlaced, 196 megapixels of one bit")
def _() -> bytes:
    return png_bomb(14000, 14000, bits=1, interlaced=True)


@kind("PNG: says 484 megapixels of RGBA with 16 bits, has a few rows")
def _() -> bytes:
    return png_bomb(22000, 100, bits=16, kind=6).replace(
        start_of_png(22000, 100, bits=16, kind=6), start_of_png(22000, 22000, bits=16, kind=6)
    )


@kind("PNG: says 2,147,483,647 x 1 pixels")
def _() -> bytes:
    return start_of_png(2**31 - 1, 1) + chunk(b"IDAT", zlib.compress(bytes(1000)))


def with_chunks(*chunks: bytes) -> bytes:
    data = saved(noise(), "PNG")
    return data[:33] + b"".join(chunks) + data[33:]


@kind("PNG: ICC profile that inflates to 40 MB")
def _() -> bytes:
    return with_chunks(chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(40_000_000), 9)))


@kind("PNG: text that inflates to 40 MB")
def _() -> bytes:
    return with_chunks(chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(40_000_000), 9)))


@kind("PNG: 3,500 texts")
def _() -> bytes:
    return with_chunks(*(chunk(b"tEXt", b"x\0y") for _ in range(3500)))


@kind("PNG: animated, says 2 billion frames")
def _() -> bytes:
    return with_chunks(
        chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)),
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 120, 120, 0, 0, 1, 1, 1, 0)),
    )


@kind("PNG: a chunk that says 2 GB")
def _() -> bytes:
    return with_chunks(struct.pack(">I", 2**31 - 1) + b"eXIf")


# TIFF


@kind("TIFF: 64 x 64 pixels in a tile of 46,000 x 46,000")
def _() -> bytes:
    return tiff_of(
        {256: 64, 257: 64, 258: 8, 259: 8, 262: 1, 277: 1, 322: 46000, 323: 46000},
        tiles=[zlib.compress(bytes(50_000_000), 9)],
    )


@kind("TIFF: 64 x 64 pixels in a tile of 4,096 x 4,096, RGBA with 16 bits, cut")
def _() -> bytes:
    packed = zlib.compress(bytes(90_000_000), 9)
    return tiff_of(
        {256: 64, 257: 64, 258: 16, 259: 8, 262: 2, 277: 4, 322: 4096, 323: 4096}, tiles=[packed]
    )


@kind("TIFF: 81 megapixels of grey in one deflated strip")
def _() -> bytes:
    return tiff_of(
        {256: 9000, 257: 9000, 258: 8, 259: 8, 262: 1, 277: 1, 278: 9000},
        strips=[zlib.compress(bytes(81_000_000), 9)],
    )


@kind("TIFF: 480 megapixels of fax, all white")
def _() -> bytes:
    return tiff_of(
        {256: 24000, 257: 20000, 258: 1, 259: 4, 262: 0, 277: 1, 278: 20000},
        strips=[b"\xff" * 2500],
    )


@kind("TIFF: says 480 megapixels of RGB with 32 bits, strips lie outside the file")
def _() -> bytes:
    return tiff_of(
        {256: 24000, 257: 20000, 258: 32, 259: 1, 262: 2, 277: 3, 278: 20000, 339: 3},
        strips=[b"\0"],
        sizes=[2**32 - 1],
    )


@kind("TIFF: 65,535 samples a pixel")
def _() -> bytes:
    return tiff_of(
        {256: 64, 257: 64, 258: 8, 259: 1, 262: 1, 277: 65535, 278: 64}, strips=[bytes(4096)]
    )


@kind("TIFF: a directory that is its own next one")
def _() -> bytes:
    return tiff_of({254: 1, 256: 64, 257: 64, 258: 8, 262: 1, 278: 64}, next_directory=8)


@kind("TIFF: 1,200 directories, all of them thumbnails")
def _() -> bytes:
    pages = []
    for number in range(1200):
        tags = {254: 1, 256: 64, 257: 64, 258: 8, 262: 1}
        after = 8 + (number + 1) * (2 + 12 * len(tags) + 4)
        page = tiff_of(tags, next_directory=after if number < 1199 else 0)
        pages.append(page[8:])
    return b"II*\0\x08\0\0\0" + b"".join(pages)


@kind("TIFF: a directory that says 65,535 entries")
def _() -> bytes:
    return b"II*\0\x08\0\0\0\xff\xff" + random.Random(2).randbytes(90_000)


@kind("TIFF: says 4 billion strips")
def _() -> bytes:
    data = tiff_of({256: 64, 257: 64, 258: 8, 262: 1, 278: 1}, strips=[bytes(4096)])
    entry = struct.pack("<HHI", 273, 4, 1)
    return data.replace(entry, struct.pack("<HHI", 273, 4, 2**32 - 1))


@kind("BigTIFF: offsets of 2^63")
def _() -> bytes:
    return b"II+\0\x08\0\0\0" + struct.pack("<Q", 2**63)


# WebP and GIF


def animated_webp(width: int, height: int) -> bytes:
    still = saved(Image.new("RGB", (1, 1)), "WEBP", lossless=True)[12:]

    def part(name: bytes, data: bytes) -> bytes:
        return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)

    def three(number: int) -> bytes:
        return number.to_bytes(3, "little")

    canvas = part(b"VP8X", b"\x02\0\0\0" + three(width - 1) + three(height - 1))
    frame = part(b"ANMF", bytes(12) + three(1) + b"\0" + still)
    body = b"WEBP" + canvas + part(b"ANIM", bytes(6)) + frame * 2
    return part(b"RIFF", body)


@kind("WebP: animated, canvas of 7,000 x 7,000, frames of 1 x 1")
def _() -> bytes:
    return animated_webp(7000, 7000)


@kind("WebP: animated, canvas of 16,384 x 16,384")
def _() -> bytes:
    return animated_webp(16384, 16384)


@kind("WebP: lossless, 49 megapixels of one colour")
def _() -> bytes:
    return saved(Image.new("RGB", (7000, 7000), (1, 2, 3)), "WEBP", lossless=True, method=0)


@kind("WebP: a chunk that says 4 GB")
def _() -> bytes:
    data = bytearray(saved(noise(), "WEBP"))
    data[16:20] = b"\xff\xff\xff\xff"
    return bytes(data)


def gif(width: int, height: int, frames: int) -> bytes:
    head = b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + bytes(6)
    frame = b"\x2c" + struct.pack("<HHHH", 0, 0, 1, 1) + b"\0\x02\x02\x44\x01\0"
    return head + frame * frames + b"\x3b"


@kind("GIF: canvas of 65,535 x 65,535")
def _() -> bytes:
    return gif(65535, 65535, 1)


@kind("GIF: canvas of 22,000 x 22,000, a frame of 1 x 1")
def _() -> bytes:
    return gif(22000, 22000, 1)


@kind("GIF: canvas of 7,000 x 7,000, a frame of 1 x 1")
def _() -> bytes:
    return gif(7000, 7000, 1)


@kind("GIF: 6,000 frames")
def _() -> bytes:
    return gif(64, 64, 6000)


@kind("GIF: 30,000 comments")
def _() -> bytes:
    data = gif(64, 64, 1)
    return data[:19] + b"\x21\xfe\0" * 30_000 + data[19:]


# Others


def bmp(width: int, height: int, compression: int, pixels: bytes) -> bytes:
    info = struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, 8, compression, len(pixels), 0, 0, 256, 0
    )
    palette = bytes(1024)
    start = 14 + len(info) + len(palette)
    head = struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start)
    return head + info + palette + pixels


@kind("BMP: run lengths, 484 megapixels")
def _() -> bytes:
    return bmp(22000, 22000, 1, b"\xff\0" * 40_000)


@kind("BMP: run lengths, 49 megapixels, ends at once")
def _() -> bytes:
    return bmp(7000, 7000, 1, b"\0\1")


@kind("PSD: says 484 megapixels of CMYK")
def _() -> bytes:
    return (
        b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 4, 22000, 22000, 8, 4) + bytes(12) + b"\0\1"
    ) + bytes(50_000)


@kind("PSD: 2,500 layers of 30,000 x 30,000")
def _() -> bytes:
    layer = struct.pack(">iiiiH", 0, 0, 30000, 30000, 0) + b"8BIMnorm\xff\0\0\0" + bytes(4)
    info = struct.pack(">h", 2500) + layer * 2500
    section = struct.pack(">I", len(info)) + info
    head = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 64, 64, 8, 3) + bytes(8)
    return head + struct.pack(">I", len(section)) + section + b"\0\0" + bytes(64 * 64 * 3)


@kind("JPEG 2000: 16 megapixels of one colour")
def _() -> bytes:
    return saved(grey(4000, 4000), "JPEG2000", irreversible=False)


@kind("JPEG 2000: says 484 megapixels")
def _() -> bytes:
    data = saved(grey(64, 64), "JPEG2000", no_jp2=True)
    place = data.index(b"\xff\x51") + 6
    return data[:place] + struct.pack(">II", 22000, 22000) + data[place + 8 :]


@kind("JPEG 2000: one-pixel tiles, 16 megapixels")
def _() -> bytes:
    data = bytearray(saved(grey(64, 64), "JPEG2000", no_jp2=True))
    place = data.index(b"\xff\x51") + 6
    data[place : place + 8] = struct.pack(">II", 4000, 4000)
    data[place + 16 : place + 24] = struct.pack(">II", 1, 1)
    return bytes(data)


@kind("AVIF: 16 megapixels of one colour")
def _() -> bytes:
    return saved(grey(4000, 4000).convert("RGB"), "AVIF", speed=10)


@kind("AVIF: says 484 megapixels")
def _() -> bytes:
    data = saved(grey(64, 64).convert("RGB"), "AVIF")
    place = data.index(b"ispe") + 8
    return data[:place] + struct.pack(">II", 22000, 22000) + data[place + 8 :]


@kind("HEIC: a box that holds itself")
def _() -> bytes:
    return b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + (b"\0\0\0\0meta\0\0\0\0") * 4000


@kind("One pixel high: 65,000 x 1")
def _() -> bytes:
    return saved(grey(65000, 1), "PNG")


@kind("No picture: XML whose entities multiply")
def _() -> bytes:
    entities = "".join(
        f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(9)
    )
    return f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "a">{entities}]><svg>&j;</svg>'.encode()


def truncated(format: str) -> list[bytes]:
    """A file of a format, cut at 40 places."""
    data = saved(noise(), format)
    return [data[: len(data) * place // 41] for place in range(1, 41)]


TRUNCATED: Final = ("JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "JPEG2000", "AVIF")


# Measuring


def measure(budget: str) -> dict[str, object]:
    """Decodes what comes on standard input, and says what it took."""
    outcome = "read"
    with DecodingProcesses(1, limits=BUDGETS[budget]) as decoding:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        try:
            if decoding.read(sys.stdin.buffer.read())[224].damaged:
                outcome = "read as far as it goes"
        except PictureError as error:
            outcome = type(error).__name__
        here = resource.getrusage(resource.RUSAGE_SELF)
    there = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "outcome": outcome,
        "seconds": there.ru_utime + there.ru_stime,
        "megabytes": there.ru_maxrss / 1024,
        "seconds_here": here.ru_utime - before,
        "megabytes_here": _peak_of_this_process(),
    }


def _peak_of_this_process() -> float:
    """In MiB; ``ru_maxrss`` would count what the process was started from."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def cost(data: bytes, budget: str) -> dict[str, object]:
    """Outcome, processor time in seconds and peak memory in MiB, the process's own included."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.encoder.hostile", budget],
        input=data,
        capture_output=True,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
        return
    print("| file | bytes | outcome in a worker | CPU s | MiB | in a web process | CPU s | MiB |")
    print("|---|---:|---|---:|---:|---|---:|---:|")
    here = []
    for name, make in KINDS.items():
        data = make()
        cells = [name, f"{len(data):,}"]
        for budget in BUDGETS:
            found = cost(data, budget)
            cells += [
                str(found["outcome"]),
                f"{found['seconds']:.2f}",
                f"{found['megabytes']:.0f}",
            ]
            here.append((found["seconds_here"], found["megabytes_here"]))
        print("| " + " | ".join(cells) + " |", flush=True)
    print(f"\nThe asking process: at most {max(s for s, _ in here):.2f} s,", end=" ")
    print(f"{max(m for _, m in here):.0f} MiB.")


if __name__ == "__main__":
    main()
