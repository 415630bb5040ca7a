"""The embedded server: TF Serving's gRPC and REST APIs in this process."""

import asyncio
import contextlib
import pathlib
import signal

from zoo.serving import config
from zoo.serving.batching import Batcher
from zoo.serving.grpc_server import GrpcServer
from zoo.serving.metrics import Metrics
from zoo.serving.models import ModelManager
from zoo.serving.predict import Predictor
from zoo.serving.rest import RestServer
from zoo.serving.servable import Servable

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Server:
    """All parts of the embedded server. To be made, started and stopped on a running event loop.

    Attributes:
      grpc_port: int, where it listens once started.
      rest_port: int, likewise.
      models: the `ModelManager`.
    """

    def __init__(self, options):
        """Reads the configuration.

        Raises:
          UserError: it is wrong, or there is nothing to serve.
        """
        folder = pathlib.Path(options.models)
        self._options = options
        self._config = config.read_models(folder)
        metrics, batcher = Metrics(), None
        if options.enable_batching:
            batcher = Batcher(config.read_batching(folder / "batching.config"), metrics)
        self.models = ModelManager(Servable, retry_seconds=options.retry_seconds)
        self._predictor = Predictor(
            self.models, metrics, batcher, options.threads, options.timeout, options.max_requests
        )
        metrics_path = config.read_metrics_path(folder / "monitoring.config")
        self._grpc = GrpcServer(self._predictor, options.max_request_bytes)
        self._rest = RestServer(self._predictor, metrics, options.max_request_bytes, metrics_path)
        self._closable = [self.models, self._predictor, *([batcher] if batcher else [])]
        self._watching = None

    @property
    def grpc_port(self):
        return self._grpc.port

    @property
    def rest_port(self):
        return self._rest.port

    async def start(self):
        """Loads the models, then listens.

        Raises:
          UserError: an address cannot be used.
        """
        await self.models.reload(self._config)
        await self._grpc.start(self._options.host, self._options.grpc_port)
        await self._rest.start(self._options.host, self._options.rest_port)
        self._watching = asyncio.create_task(self.models.watch(self._options.poll_seconds))

    async def stop(self):
        """Answers the requests under way, no new ones, and ends."""
        if self._watching:
            self._watching.cancel()
        await self._grpc.tell_health()
        await self._rest.stop_listening()
        grace = self._options.grace
        await asyncio.gather(self._predictor.drain(grace), self._grpc.stop(grace))
        await self._rest.close()
        for part in self._closable:
            part.close()

    def describe(self):
        """Where it listens and what it serves, one line."""
        served = [
            f"{name} {', '.join(map(str, versions))}"
            for name in self.models.configs
            if (versions := self.models.available(name))
        ]
        host = f"[{self._options.host}]" if ":" in self._options.host else self._options.host
        return (
            f"gRPC {host}:{self.grpc_port}, REST http://{host}:{self.rest_port}, "
            f"models: {'; '.join(served) or 'none yet'}"
        )


def serve(options):
    """Serves until SIGTERM or SIGINT, then ends what is under way; a second signal ends at once."""
    asyncio.run(_serve(options))


async def _serve(options):
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()

    def stop():
        stopped.set()
        for signal_number in SIGNALS:
            loop.remove_signal_handler(signal_number)
            signal.signal(signal_number, signal.SIG_DFL)

    server = Server(options)
    for number in SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        starting = asyncio.create_task(server.start())
        waiting = asyncio.create_task(stopped.wait())
        await asyncio.wait([starting, waiting], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting
            print(f"toulon serve: {server.describe()}", flush=True)
            await waiting
        else:
            starting.cancel()
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await server.stop()
