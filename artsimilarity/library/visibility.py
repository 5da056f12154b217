"""Whether a queryset may leave rows out."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.sql.constants import INNER


def hides_rows(pictures: models.QuerySet[Any], *, beside: models.QuerySet[Any]) -> bool:
    """Whether ``pictures`` may lack rows that ``beside``, of the same model, has.

    Answered from the two queries' parts and not from the database: where they differ in anything
    that can drop a row, the answer is yes. A needless yes costs a semi-join, a wrong no would leak.
    """
    query, other = pictures.query, beside.query
    if query.is_empty() or query.is_sliced or query.combinator or query.extra_tables:
        return True
    if query.distinct_fields or query.select_for_update_skip_locked or query.where != other.where:
        return True
    joins = {alias for alias, join in query.alias_map.items() if join.join_type == INNER}
    return not joins <= other.alias_map.keys()
