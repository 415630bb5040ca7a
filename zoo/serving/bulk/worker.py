"""A worker process of a run on this machine: Beam's own, silent, and gone when the run is.

Beam's waits until its share is done, also where whoever started it was killed; a second run would meet it at work.
"""

import contextlib
import io
import logging
import os
import signal
import sys
import threading
import time


def main():
    """Works until there is nothing more to do, or nobody to do it for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the run's
    threading.Thread(target=_stop_with, args=[os.getppid()], daemon=True).start()
    logging.getLogger().addHandler(logging.NullHandler())  # or Beam adds one that prints
    from apache_beam.runners.worker import sdk_worker_main

    with contextlib.redirect_stderr(io.StringIO()):  # errors go to the run, which tells them
        sdk_worker_main.main(sys.argv)


def _stop_with(parent, every=0.2):
    while os.getppid() == parent:
        time.sleep(every)
    os._exit(1)


if __name__ == "__main__":
    main()
