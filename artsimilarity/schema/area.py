"""The column type of an area, in shares of a scan. Needs Pillow, and no numpy."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from artsimilarity.encoder.pictures.crop import Area
from artsimilarity.schema.fields import WorkerWritten


class AreaField(WorkerWritten):
    """An :class:`~artsimilarity.encoder.pictures.crop.Area`, or null; kept through ``save()``.

    In the database five numbers: left, top, right and bottom as shares, 0 to 1, of the whole
    picture in the file, and degrees clockwise, at most 45 either way.
    """

    description = "Area of a picture"
    empty_strings_allowed = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("null", True)
        super().__init__(*args, **kwargs)

    def db_type(self, connection: Any) -> str:
        return "double precision[]"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Area | None:
        return None if value is None else Area(*value)

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return [float(one) for one in astuple(value)] if isinstance(value, Area) else value
