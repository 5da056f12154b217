"""A sheet of queries and their neighbours to look at, as one HTML file. Pillow."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np

from artsimilarity.encoder.pictures.reading import read
from artsimilarity.lab.evaluation.library import Library
from artsimilarity.lab.evaluation.retrieval import NOBODY
from artsimilarity.lab.evaluation.summary import Row
from artsimilarity.lab.progress import progress_bar

# Pixels of the longer side; pictures are read at twice that, for they are squashed to squares.
_THUMBNAIL: Final = 150
_STYLE: Final = """
body { font: 1rem/1.4 system-ui, sans-serif; margin: 1rem; color: #111; background: #fff; }
table { border-collapse: collapse; margin: 0 0 2rem; }
th { text-align: left; font-weight: normal; padding-right: 1rem; }
td { vertical-align: bottom; padding: .25rem; text-align: center; font-size: .8rem; }
td.asks { border-right: 1px solid #767676; }
figure { margin: 0; }
.same { font-weight: bold; }
""".strip()
_SAME: Final = {True: ' <span class="same">(same)</span>', False: " (other)"}

# From a file to what its <img> shows.
Source = Callable[[Path], str]


def contact_sheet(
    library: Library,
    rows: Sequence[Row],
    *,
    queries: int = 12,
    neighbours: int = 6,
    seed: int = 0,
) -> str:
    """Shows, for queries drawn at random, the nearest pictures under every ranking.

    Where pictures were scanned in other ways, every ranking begins with the query as it asked, and
    each picture is shown as it was scanned. Thumbnails are inside the file, so that it can be sent
    and kept.

    Args:
        library: The pictures and their labels.
        rows: Rankings to show, at least one.
        queries: Queries that are drawn.
        neighbours: Neighbours of each.
        seed: Of the draw.

    Returns:
        An HTML document.

    Raises:
        PictureError: A picture cannot be read.
    """
    possible = rows[0].quality.queries
    drawn = np.random.default_rng(seed).permutation(possible)[:queries].tolist()
    sheet = _Sheet(library, rows, neighbours, cache(_data_uri))
    with progress_bar("Contact sheet", len(drawn), "section") as bar:
        sections = []
        for query in drawn:
            sections.append(sheet.section(query))
            bar.update()
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Queries and their neighbours</title><style>{_STYLE}</style></head>\n"
        f"<body><main><h1>Queries and their neighbours</h1>\n"
        f"<p>{len(sections)} queries drawn at random (seed {seed}). “Same” means that a picture "
        f"carries the label of its query.</p>\n" + "\n".join(sections) + "\n</main></body></html>\n"
    )


@dataclass(frozen=True)
class _Sheet:
    library: Library
    rows: Sequence[Row]
    neighbours: int
    source: Source

    def section(self, query: int) -> str:
        with_scans = any(row.scans is not None for row in self.rows)
        lines = []
        for row in self.rows:
            nearby = row.quality.neighbours[query, : self.neighbours].tolist()
            cells = "".join(self._neighbour(row, query, place) for place in nearby)
            if with_scans:
                cells = f'<td class="asks">{self._figure(query, _asking(row, query))}</td>{cells}'
            name = f"{escape(row.recipe)}<br>{escape(row.ranking)}"
            lines.append(f'<tr><th scope="row">{name}</th>{cells}</tr>')
        caption = "Nearest pictures, the nearest first"
        if with_scans:
            caption = "The query as it asked, then the nearest pictures, the nearest first"
        return (
            f"<section><h2>{escape(self.library.paths[query])}</h2>{self._figure(query)}"
            f"<table><caption>{caption}</caption>"
            f"<tbody>{''.join(lines)}</tbody></table></section>"
        )

    def _neighbour(self, row: Row, query: int, place: int) -> str:
        if place == NOBODY:
            return ""
        labels = self.library.labels.labels
        note = _SAME[labels[place] == labels[query]]
        return f"<td>{self._figure(place, _found(row, place), note)}</td>"

    def _figure(self, place: int, folder: Path | None = None, note: str = "") -> str:
        """The picture from a folder of scans, which the caption names, or the library's own."""
        path, label = self.library.paths[place], str(self.library.labels.labels[place])
        source = self.source((folder or self.library.directory) / path)
        scanned = f"<br>{escape(folder.name)}" if folder else ""
        return (
            f'<figure><img alt="{escape(path)}" src="{source}">'
            f"<figcaption>{escape(label)}{note}{scanned}</figcaption></figure>"
        )


def _asking(row: Row, query: int) -> Path | None:
    """The folder of scans that the query was taken from; None where it is the library's own."""
    if row.scans is not None and row.scans.places is None:
        return row.scans.folder
    return _found(row, query)


def _found(row: Row, place: int) -> Path | None:
    """The folder of scans that a picture stood in the library from."""
    scans = row.scans
    return scans.folder if scans and scans.places is not None and scans.places[place] else None


def _data_uri(path: Path) -> str:
    thumbnail = read(path, side=2 * _THUMBNAIL).whole(_THUMBNAIL)
    file = BytesIO()
    thumbnail.save(file, "JPEG", quality=75)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
