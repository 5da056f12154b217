"""A sheet of queries and their neighbours to look at, as one HTML file. Pillow."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from artsimilarity.lab.evaluation.retrieval import NOBODY
from artsimilarity.lab.evaluation.summary import Row

_THUMBNAIL: Final = (150, 150)
_STYLE: Final = """
body { font: 1rem/1.4 system-ui, sans-serif; margin: 1rem; color: #111; background: #fff; }
table { border-collapse: collapse; margin: 0 0 2rem; }
th { text-align: left; font-weight: normal; padding-right: 1rem; }
td { vertical-align: bottom; padding: .25rem; text-align: center; font-size: .8rem; }
figure { margin: 0; }
.same { font-weight: bold; }
""".strip()


def contact_sheet(
    directory: Path,
    paths: Sequence[str],
    labels: NDArray[np.str_],
    rows: Sequence[Row],
    *,
    queries: int = 12,
    neighbours: int = 6,
    seed: int = 0,
) -> str:
    """Shows, for queries drawn at random, the nearest pictures under every ranking.

    Thumbnails are inside the file, so that it can be sent and kept.

    Args:
        directory: Where the pictures are.
        paths: Their paths in it, by their places in the library.
        labels: Their labels, shape (n,).
        rows: Rankings to show, at least one.
        queries: Queries that are drawn.
        neighbours: Neighbours of each.
        seed: Of the draw.

    Returns:
        An HTML document.
    """

    @cache
    def figure(place: int, same: bool | None) -> str:
        note = {None: "", True: ' <span class="same">(same)</span>', False: " (other)"}[same]
        source = _data_uri(directory / paths[place])
        return (
            f'<figure><img alt="{escape(paths[place])}" src="{source}">'
            f"<figcaption>{escape(str(labels[place]))}{note}</figcaption></figure>"
        )

    possible = rows[0].quality.queries
    drawn = np.random.default_rng(seed).permutation(possible)[:queries]
    sections = []
    for query in drawn.tolist():
        lines = []
        for row in rows:
            nearby = row.quality.neighbours[query, :neighbours].tolist()
            cells = "".join(
                f"<td>{figure(place, bool(labels[place] == labels[query]))}</td>"
                for place in nearby
                if place != NOBODY
            )
            name = f"{escape(row.recipe)}<br>{escape(row.ranking)}"
            lines.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
        sections.append(
            f"<section><h2>{escape(paths[query])}</h2>{figure(query, None)}"
            f"<table><caption>Nearest pictures, the nearest first</caption>"
            f"<tbody>{''.join(lines)}</tbody></table></section>"
        )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Queries and their neighbours</title><style>{_STYLE}</style></head>\n"
        f"<body><main><h1>Queries and their neighbours</h1>\n"
        f"<p>{len(sections)} queries drawn at random (seed {seed}). “Same” means that a picture "
        f"carries the label of its query.</p>\n" + "\n".join(sections) + "\n</main></body></html>\n"
    )


def _data_uri(path: Path) -> str:
    with Image.open(path) as image:
        image.draft("RGB", _THUMBNAIL)
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail(_THUMBNAIL)
    file = BytesIO()
    upright.save(file, "JPEG", quality=75)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
