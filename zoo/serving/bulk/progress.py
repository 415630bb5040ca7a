"""A progress line for runs on this machine."""

import contextlib
import os
import tempfile
import threading

from tqdm import tqdm

from zoo.serving.bulk.counts import read_tally


@contextlib.contextmanager
def progress(job, every=0.5):
    """A context that shows on a terminal how far a run is.

    Args:
      job: str, name of the job.
      every: seconds between looks.

    Yields:
      str, the file that `zoo.serving.bulk.counts.Counts` shall tell its events to.
    """
    handle, path = tempfile.mkstemp(prefix="toulon-bulk-")
    os.close(handle)
    stop = threading.Event()
    with tqdm(desc=job, unit="file", disable=None) as bar:

        def show():
            while not stop.wait(every):
                _show(bar, read_tally(path))

        thread = threading.Thread(target=show, daemon=True)
        thread.start()
        try:
            yield path
        finally:
            stop.set()
            thread.join()
            _show(bar, read_tally(path))
            os.unlink(path)


def _show(bar, counted):
    bar.total = counted["found"] or None
    bar.set_postfix(
        {event: counted[event] for event in ("skipped", "failed") if counted[event]}, refresh=False
    )
    bar.update(counted["done"] + counted["skipped"] + counted["failed"] - bar.n)
    bar.refresh()
