"""What is measured of every request: how many, how long, by operation and status.

Where several processes serve one port, the environment variable PROMETHEUS_MULTIPROC_DIR names a
directory in which each keeps its numbers, and any of them can show the sum.
"""

import os

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The measurements of one application."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "habitue_http_request_seconds",
            "Time from the first byte of a request to the last byte of its answer.",
            ("operation", "status"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._by_labels: dict[tuple[str, int], Histogram] = {}

    def count(self, operation_id: str, status: int, seconds: float) -> None:
        """Count one answered request, unless the directory of the numbers is gone: a request that
        was answered does not fail because it cannot be counted."""
        key = (operation_id, status)
        child = self._by_labels.get(key)
        if child is None:
            try:
                child = self._by_labels[key] = self._seconds.labels(operation_id, str(status))
            except OSError:
                return
        child.observe(seconds)

    def page(self) -> bytes:
        """All numbers in the Prometheus text format, of all processes where there are several."""
        if DIRECTORY_VARIABLE not in os.environ:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        if os.path.isdir(os.environ[DIRECTORY_VARIABLE]):
            MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)
