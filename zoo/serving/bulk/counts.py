"""How far a run is: counters of Beam, and for runs on this machine a file that tells it while they work."""

import collections
import pathlib

from apache_beam.metrics import Metrics, MetricsFilter

NAMESPACE = "toulon.bulk"
EVENTS = {"found": b"f", "done": b"d", "skipped": b"s", "failed": b"x"}
AMOUNTS = ("pixels", "bytes_in", "bytes_out")


class Counts:
    """Counts what happens to files, in whatever process it is called.

    Args:
      tally: str, a local file that gets a letter for each event, or None. Beam's own counters of a local run are there
        at its end only.
    """

    def __init__(self, tally):
        self._tally = tally

    def __call__(self, event, **amounts):
        """Counts one of `EVENTS`, and `AMOUNTS` that belong to it."""
        for name, amount in {event: 1, **amounts}.items():
            Metrics.counter(NAMESPACE, name).inc(amount)
        if self._tally:
            with open(self._tally, "ab", buffering=0) as file:
                file.write(EVENTS[event])


def read_tally(path):
    """What was counted so far: `collections.Counter` of events."""
    letters = collections.Counter(pathlib.Path(path).read_bytes())
    return collections.Counter({event: letters[ord(letter)] for event, letter in EVENTS.items()})


def read_counters(result):
    """What Beam counted in a `PipelineResult`: `collections.Counter` of events and amounts."""
    counters = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))["counters"]
    found = collections.Counter()
    for counter in counters:
        found[counter.key.metric.name] += counter.result
    return found
