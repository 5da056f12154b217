"""A sheet of queries and their neighbours to look at, as one HTML file. Pillow."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from functools import cache
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageOps

from artsimilarity.lab.evaluation.library import Library
from artsimilarity.lab.evaluation.retrieval import NOBODY
from artsimilarity.lab.evaluation.summary import Row
from artsimilarity.lab.progress import progress_bar

_THUMBNAIL: Final = (150, 150)
_STYLE: Final = """
body { font: 1rem/1.4 system-ui, sans-serif; margin: 1rem; color: #111; background: #fff; }
table { border-collapse: collapse; margin: 0 0 2rem; }
th { text-align: left; font-weight: normal; padding-right: 1rem; }
td { vertical-align: bottom; padding: .25rem; text-align: center; font-size: .8rem; }
figure { margin: 0; }
.same { font-weight: bold; }
""".strip()
_SAME: Final = {True: ' <span class="same">(same)</span>', False: " (other)"}

# From a picture's place in the library to what its <img> shows.
Source = Callable[[int], str]


def contact_sheet(
    library: Library,
    rows: Sequence[Row],
    *,
    queries: int = 12,
    neighbours: int = 6,
    seed: int = 0,
) -> str:
    """Shows, for queries drawn at random, the nearest pictures under every ranking.

    Thumbnails are inside the file, so that it can be sent and kept.

    Args:
        library: The pictures and their labels.
        rows: Rankings to show, at least one.
        queries: Queries that are drawn.
        neighbours: Neighbours of each.
        seed: Of the draw.

    Returns:
        An HTML document.
    """
    possible = rows[0].quality.queries
    drawn = np.random.default_rng(seed).permutation(possible)[:queries].tolist()
    source = cache(lambda place: _data_uri(library.directory / library.paths[place]))
    with progress_bar("Contact sheet", len(drawn), "section") as bar:
        sections = []
        for query in drawn:
            sections.append(_section(library, rows, query, neighbours, source))
            bar.update()
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Queries and their neighbours</title><style>{_STYLE}</style></head>\n"
        f"<body><main><h1>Queries and their neighbours</h1>\n"
        f"<p>{len(sections)} queries drawn at random (seed {seed}). “Same” means that a picture "
        f"carries the label of its query.</p>\n" + "\n".join(sections) + "\n</main></body></html>\n"
    )


def _section(
    library: Library, rows: Sequence[Row], query: int, neighbours: int, source: Source
) -> str:
    labels = library.labels.labels
    lines = []
    for row in rows:
        nearby = row.quality.neighbours[query, :neighbours].tolist()
        cells = "".join(
            f"<td>{_figure(library, place, source, _SAME[labels[place] == labels[query]])}</td>"
            for place in nearby
            if place != NOBODY
        )
        name = f"{escape(row.recipe)}<br>{escape(row.ranking)}"
        lines.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
    return (
        f"<section><h2>{escape(library.paths[query])}</h2>{_figure(library, query, source)}"
        f"<table><caption>Nearest pictures, the nearest first</caption>"
        f"<tbody>{''.join(lines)}</tbody></table></section>"
    )


def _figure(library: Library, place: int, source: Source, note: str = "") -> str:
    path, label = library.paths[place], str(library.labels.labels[place])
    return (
        f'<figure><img alt="{escape(path)}" src="{source(place)}">'
        f"<figcaption>{escape(label)}{note}</figcaption></figure>"
    )


def _data_uri(path: Path) -> str:
    with Image.open(path) as image:
        image.draft("RGB", _THUMBNAIL)
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail(_THUMBNAIL)
    file = BytesIO()
    upright.save(file, "JPEG", quality=75)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
