"""Prometheus metrics of a worker, where ``prometheus-client`` is installed (extra ``metrics``).

The host exposes them as it does its other metrics, for example with
``prometheus_client.start_http_server()`` in Celery's signal ``worker_process_init``.
"""

from __future__ import annotations

from typing import Any

from artsimilarity.embedding.signals import (
    chunk_embedded,
    embedding_failed,
    embedding_succeeded,
    library_swept,
    recall_known,
)
from artsimilarity.schema.tables import RecallMeasurement

# A task has up to CHUNK_SIZE pictures, and up to TIME_LIMIT seconds.
_TASK_SECONDS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)


def connect() -> bool:
    """Measure what workers do; returns whether prometheus-client is there.

    ``artsimilarity_embedded_total`` and ``artsimilarity_failed_total`` count pictures,
    ``artsimilarity_task_seconds`` is a histogram of how long tasks take, and
    ``artsimilarity_pending`` is the number of pictures that the latest sweep found waiting; all by
    ``model``. ``artsimilarity_recall`` is the share of the ten nearest pictures that the index
    finds, 0..1, by ``model`` and ``style``, and ``artsimilarity_recall_timestamp_seconds`` when
    that was measured, in seconds since 1970; both as each sweep reads them.
    """
    try:
        from prometheus_client import Counter, Gauge, Histogram
    except ImportError:
        return False
    embedded = Counter("artsimilarity_embedded_total", "Pictures embedded", ["model"])
    failed = Counter("artsimilarity_failed_total", "Pictures that failed", ["model"])
    taken = Histogram(
        "artsimilarity_task_seconds",
        "Time that one task took",
        ["model"],
        buckets=_TASK_SECONDS,
    )
    waiting = Gauge(
        "artsimilarity_pending",
        "Pictures that wait for a worker, as the latest sweep found them",
        ["model"],
        multiprocess_mode="mostrecent",
    )

    recall = Gauge(
        "artsimilarity_recall",
        "Share of the ten nearest pictures that the index finds, as measured last",
        ["model", "style"],
        multiprocess_mode="mostrecent",
    )
    recall_time = Gauge(
        "artsimilarity_recall_timestamp_seconds",
        "When that was measured, in seconds since 1970",
        ["model"],
        multiprocess_mode="mostrecent",
    )

    def count_success(sender: Any, **kwargs: Any) -> None:
        embedded.labels(sender._meta.label).inc()

    def count_failure(sender: Any, **kwargs: Any) -> None:
        failed.labels(sender._meta.label).inc()

    def observe(sender: Any, seconds: float, **kwargs: Any) -> None:
        taken.labels(sender._meta.label).observe(seconds)

    def note_pending(sender: Any, pending: int, **kwargs: Any) -> None:
        waiting.labels(sender._meta.label).set(pending)

    def note_recall(sender: Any, measurement: RecallMeasurement, **kwargs: Any) -> None:
        label = sender._meta.label
        for style, share in zip(measurement.styles, measurement.recalls, strict=True):
            recall.labels(label, f"{style:g}").set(share)
        recall_time.labels(label).set(measurement.began_at.timestamp())

    uid = "artsimilarity.prometheus"
    embedding_succeeded.connect(count_success, weak=False, dispatch_uid=uid)
    embedding_failed.connect(count_failure, weak=False, dispatch_uid=uid)
    chunk_embedded.connect(observe, weak=False, dispatch_uid=uid)
    library_swept.connect(note_pending, weak=False, dispatch_uid=uid)
    recall_known.connect(note_recall, weak=False, dispatch_uid=uid)
    return True
