"""Prometheus metrics of a worker, where ``prometheus-client`` is installed (extra ``metrics``).

The host exposes them as it does its other metrics, for example with
``prometheus_client.start_http_server()`` in Celery's signal ``worker_process_init``.
"""

from __future__ import annotations

from typing import Any

from artsimilarity.signals import embedding_failed, embedding_succeeded


def connect() -> bool:
    """Count what workers embed and what fails; returns whether prometheus-client is there."""
    try:
        from prometheus_client import Counter
    except ImportError:
        return False
    embedded = Counter("artsimilarity_embedded_total", "Pictures embedded", ["model"])
    failed = Counter("artsimilarity_failed_total", "Pictures that failed", ["model"])

    def count_success(sender: Any, **kwargs: Any) -> None:
        embedded.labels(sender._meta.label).inc()

    def count_failure(sender: Any, **kwargs: Any) -> None:
        failed.labels(sender._meta.label).inc()

    uid = "artsimilarity.metrics"
    embedding_succeeded.connect(count_success, weak=False, dispatch_uid=uid)
    embedding_failed.connect(count_failure, weak=False, dispatch_uid=uid)
    return True
