"""Finds pictures to load, in folders and in CSV files."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COLUMNS = ("path", "title", "artist", "year")
MORE_COLUMNS = ("technique", "credit", "licence")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".gif"})

_SLUG = re.compile(r"[^\W_]+([-_][^\W_]+)*")
_PARTICLES = frozenset(
    {"da", "de", "del", "della", "den", "der", "di", "du", "la", "le", "ten"}
) | {
    "van",
    "von",
}


class SourceError(Exception):
    """A folder or CSV that cannot be loaded; the message says what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A picture's file and what is known about it."""

    path: Path
    title: str
    artist: str = ""
    year: str = ""
    technique: str = ""
    credit: str = ""
    licence: str = ""


def find_sources(place: Path) -> list[Source]:
    """Return the pictures in a folder or a CSV.

    A CSV has the columns path, title, artist and year, and may have technique, credit and licence;
    paths are relative to it, and other columns do not matter. A folder that holds exactly one such
    CSV is loaded by it. Any other folder is walked, with the artist from the name of the folder
    that holds the picture, and the title from the file's.

    Raises:
        SourceError: there is no such place, no picture in it, or the CSV names files that are
            missing.
    """
    if place.is_dir():
        tables = [path for path in sorted(place.glob("*.csv")) if _has_columns(path)]
        sources = list(_read_csv(tables[0]) if len(tables) == 1 else _walk(place))
    elif place.is_file() and place.suffix.lower() == ".csv":
        sources = list(_read_csv(place))
    elif place.exists():
        raise SourceError(f"{place} is neither a folder nor a CSV.")
    else:
        raise SourceError(f"{place} does not exist.")
    if not sources:
        raise SourceError(f"There is no picture in {place} ({', '.join(sorted(SUFFIXES))}).")
    return sources


def readable_name(text: str) -> str:
    """Return ``vincent-van-gogh`` as ``Vincent van Gogh``; leave what is already written out."""
    if text != text.lower() or not _SLUG.fullmatch(text):
        return text
    words = re.split(r"[-_]", text)
    return " ".join(
        word if index and word in _PARTICLES else word.capitalize()
        for index, word in enumerate(words)
    )


def _walk(folder: Path) -> Iterator[Source]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in SUFFIXES and not hidden and path.is_file():
            title = re.sub(r"[-_\s]+", " ", path.stem).strip()
            yield Source(
                path=path,
                title=title[:1].upper() + title[1:],
                artist=readable_name(path.parent.resolve().name),
            )


def _has_columns(path: Path) -> bool:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return set(COLUMNS) <= set(next(csv.reader(file), []))
    except (OSError, UnicodeDecodeError, csv.Error):
        return False


def _read_csv(path: Path) -> Iterator[Source]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield from _read_rows(path, csv.DictReader(file))
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not UTF-8: {error}") from error
    except (OSError, csv.Error) as error:
        raise SourceError(f"{path} cannot be read: {error}") from error


def _read_rows(path: Path, reader: csv.DictReader[str]) -> Iterator[Source]:
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
    if missing:
        raise SourceError(
            f"{path} lacks the columns {', '.join(missing)}; it needs {', '.join(COLUMNS)}."
        )
    for row in reader:
        values = {name: (row.get(name) or "").strip() for name in (*COLUMNS, *MORE_COLUMNS)}
        where = f"{path}, line {reader.line_num}"
        if not values["path"]:
            raise SourceError(f"{where}: the path is empty.")
        picture = path.parent / values["path"]
        if not picture.is_file():
            raise SourceError(f"{where}: {picture} does not exist.")
        # The page makes it a link, which must not run a script.
        if values["licence"] and not values["licence"].startswith(("https://", "http://")):
            raise SourceError(f"{where}: the licence is no address of a page.")
        yield Source(
            path=picture,
            title=values["title"] or picture.stem,
            artist=readable_name(values["artist"]),
            year=values["year"],
            **{name: values[name] for name in MORE_COLUMNS},
        )
