"""How to serve."""

import dataclasses
import os


@dataclasses.dataclass(frozen=True)
class Options:
    """How to serve; the defaults of `toulon serve`.

    Attributes:
      models: str, the folder of exports, with models.config, batching.config and monitoring.config if it has them.
      host: str, the address to listen at.
      grpc_port: int, 0 for one that is free.
      rest_port: int, 0 for one that is free.
      enable_batching: bool, whether requests are merged.
      timeout: float, seconds that a request may take.
      max_request_bytes: int, size of a request.
      max_requests: int, requests under way at the same time.
      threads: int, requests that are worked on at the same time.
      poll_seconds: float, how often folders are looked at for new versions.
      retry_seconds: float, time between tries to load what could not be loaded.
      grace: float, seconds that requests under way have to end when the server stops.
    """

    models: str
    host: str = "127.0.0.1"
    grpc_port: int = 8500
    rest_port: int = 8501
    enable_batching: bool = False
    timeout: float = 60.0
    max_request_bytes: int = 2**26
    max_requests: int = 128
    threads: int = 2 * (os.cpu_count() or 1)
    poll_seconds: float = 1.0
    retry_seconds: float = 60.0
    grace: float = 60.0
