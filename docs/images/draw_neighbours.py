"""Draws the rows of neighbours in docs/how-good.md: ``python -m docs.images.draw_neighbours``.

They are the demo's drawn samples, compared exactly under the default recipe. What is searched for
is not chosen: it is every so many-th picture of the catalogue.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from artsimilarity.encoder.encoder import Encoder
from artsimilarity.encoder.pictures.reading import read
from artsimilarity.encoder.pictures.seen import seen
from artsimilarity.encoder.recipe import LIKENESS
from demo_site.samples import draw, samples

_FOLDER = Path(__file__).parent
_TILE, _GAP, _NEIGHBOURS, _QUERIES = 150, 10, 6, 5
_PAPER, _INK = (251, 250, 247), (38, 34, 28)


def describe(files: list[bytes]) -> NDArray[np.float32]:
    """Vectors of pictures, shape (pictures, 728); each block has length 1."""
    squares = []
    for file in files:
        scan = read(file, side=LIKENESS.decoded_side)
        squares.append(seen(LIKENESS, scan.pixels, proportion=scan.proportion).pixels)
    return Encoder(LIKENESS).encode(squares)


def nearest(vectors: NDArray[np.float32], query: int, style: float) -> list[int]:
    """Places of the nearest pictures, without the query itself."""
    cut = LIKENESS.style_dimensions
    scores = style * vectors[:, :cut] @ vectors[query, :cut]
    scores += (1 - style) * vectors[:, cut:] @ vectors[query, cut:]
    return [int(one) for one in np.argsort(-scores) if one != query][:_NEIGHBOURS]


def sheet(files: list[bytes], rows: list[tuple[str, int, list[int]]]) -> Image.Image:
    """Rows of a heading, the picture searched for, and its neighbours behind a line."""
    font = ImageFont.load_default(15)
    step = _TILE + _GAP
    height = step + 26
    page = Image.new("RGB", (_GAP + (_NEIGHBOURS + 1) * step + 12, len(rows) * height), _PAPER)
    pen = ImageDraw.Draw(page)
    for number, (heading, query, found) in enumerate(rows):
        top = number * height
        pen.text((_GAP, top + 6), heading, _INK, font)
        for place, which in enumerate([query, *found]):
            picture = Image.open(BytesIO(files[which]))
            picture.thumbnail((_TILE, _TILE), Image.Resampling.LANCZOS)
            left = _GAP + place * step + (12 if place else 0) + (_TILE - picture.width) // 2
            page.paste(picture, (left, top + 28 + (_TILE - picture.height) // 2))
        edge = _GAP + step + 1
        pen.line([(edge, top + 28), (edge, top + 28 + _TILE)], _INK, 2)
    return page


def main() -> None:
    """Write both sheets beside this file."""
    files = []
    for sample in samples():
        file = BytesIO()
        draw(sample).save(file, "JPEG", quality=90)
        files.append(file.getvalue())
    vectors = describe(files)
    every = len(files) // _QUERIES
    queries = [every // 2 + every * number for number in range(_QUERIES)]
    rows = [
        (f"{samples()[one].technique}: “{samples()[one].title}”", one, nearest(vectors, one, 0.9))
        for one in queries
    ]
    sheet(files, rows).save(_FOLDER / "neighbours.webp", quality=75, method=6)
    names = {1.0: "brushwork alone (style 1)", 0.5: "half and half", 0.0: "colours alone (style 0)"}
    one = queries[_QUERIES // 2]
    rows = [(name, one, nearest(vectors, one, style)) for style, name in names.items()]
    sheet(files, rows).save(_FOLDER / "balances.webp", quality=75, method=6)


if __name__ == "__main__":
    main()
