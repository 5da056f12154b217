"""How Postgres means to read the pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from artsimilarity.lab.search_speed.scratch import TABLE


def plan_of(explained: str) -> str:
    """Name the way in which a plan, as JSON, reads the pictures: hnsw, btree, bitmap or seq."""
    for node in _nodes(json.loads(explained)[0]["Plan"]):
        if node.get("Relation Name") == TABLE:
            name = node.get("Index Name", "")
            if name.endswith(("_hnsw", "_colour")):
                return "hnsw"
            kinds = {"Bitmap Heap Scan": "bitmap", "Seq Scan": "seq"}
            return kinds.get(node["Node Type"], "btree")
    return "none"


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's nodes, without the subqueries that look up the picture itself."""
    yield node
    for child in node.get("Plans", []):
        if child["Parent Relationship"] not in ("InitPlan", "SubPlan"):
            yield from _nodes(child)
