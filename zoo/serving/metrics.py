"""Counts and times of requests, for Prometheus, under TF Serving's names."""

import contextlib
import time

import prometheus_client
from prometheus_client import CollectorRegistry, Gauge, Histogram, ProcessCollector

from zoo.serving.status import RequestError

# Microseconds, as in TF Serving: 33 limits from 10, each 1.8 times the last.
BUCKETS = [10 * 1.8**n for n in range(33)]

prometheus_client.disable_created_metrics()


class Metrics:
    """What one server has answered.

    Attributes:
      under_way: a `Gauge` of the requests that are being answered; TF Serving has none.
    """

    def __init__(self):
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        # A gauge: the library would add "_total" to the name of a counter, and TF Serving has none.
        self._count = Gauge(
            ":tensorflow:serving:request_count",
            "The total number of requests.",
            ["model_name", "status"],
            registry=self.registry,
        )
        self._request = Histogram(
            ":tensorflow:serving:request_latency",
            "Distribution of wall time (in microseconds) for TensorFlow Serving request.",
            ["model_name", "API", "entrypoint"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._runtime = Histogram(
            ":tensorflow:serving:runtime_latency",
            "Distribution of wall time (in microseconds) for TensorFlow runtime.",
            ["model_name", "API", "runtime"],
            buckets=BUCKETS,
            registry=self.registry,
        )

        self.under_way = Gauge(
            "toulon_requests_under_way", "Requests that are being answered.", registry=self.registry
        )

    @contextlib.contextmanager
    def request(self, model, entrypoint):
        """A context of one predict request to a model that exists; counts how it ends."""
        start = time.perf_counter()
        status = "OK"
        try:
            yield
        except RequestError as error:
            status = error.code
            raise
        except Exception:
            status = "INTERNAL"
            raise
        except BaseException:
            status = "CANCELLED"  # the caller has gone
            raise
        finally:
            self._count.labels(model, status).inc()
            self._request.labels(model, "Predict", entrypoint).observe(_microseconds_since(start))

    @contextlib.contextmanager
    def runtime(self, model):
        """A context in which TensorFlow computes."""
        start = time.perf_counter()
        yield
        self._runtime.labels(model, "Predict", "TF2").observe(_microseconds_since(start))

    def page(self):
        """All of it in Prometheus' text format, bytes."""
        return prometheus_client.generate_latest(self.registry)


def _microseconds_since(start):
    return 1e6 * (time.perf_counter() - start)
