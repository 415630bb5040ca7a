"""What both doors share: a request is admitted, taken apart, computed and answered, in bounded time."""

import asyncio
import concurrent.futures
import contextlib

from zoo.serving.status import RequestError


@contextlib.asynccontextmanager
async def before(deadline):
    """A context that is left by a time on the loop's clock; `RequestError` DEADLINE_EXCEEDED if it would take longer."""
    try:
        async with asyncio.timeout_at(deadline):
            yield
    except TimeoutError:
        raise RequestError("DEADLINE_EXCEEDED", "The request took longer than it may.") from None


class Predictor:
    """Answers predict requests. Lives on the event loop; all work is done in threads."""

    def __init__(self, models, metrics, batcher=None, threads=8, timeout=60.0, max_requests=128):
        """Starts the threads.

        Args:
          models: a `ModelManager`.
          metrics: a `Metrics`.
          batcher: a `Batcher`; None to compute every request by itself.
          threads: int, requests that are worked on at the same time.
          timeout: float, seconds a request may take. What is being computed then goes on to its end, unheard.
          max_requests: int, requests under way at the same time.
        """
        self.models = models
        self._metrics = metrics
        self._batcher = batcher
        self._threads = concurrent.futures.ThreadPoolExecutor(threads, "predict")
        self._timeout = timeout
        self._max_requests = max_requests
        self._requests = 0
        self._stopping = False
        self._idle = asyncio.Event()
        metrics.under_way.set_function(lambda: self._requests)

    @contextlib.contextmanager
    def admitted(self, timeout=None):
        """A context of one request, one of so many.

        Args:
          timeout: float, the caller's own limit in seconds, if it is shorter.

        Yields:
          float, by when the request must be answered, on the loop's clock.

        Raises:
          RequestError: RESOURCE_EXHAUSTED, too many are under way; UNAVAILABLE, the server is stopping.
        """
        if self._stopping:
            raise RequestError("UNAVAILABLE", "The server is stopping.")
        if self._requests >= self._max_requests:
            raise RequestError(
                "RESOURCE_EXHAUSTED", f"{self._requests} requests are under way; try again later"
            )
        seconds = self._timeout if timeout is None else min(timeout, self._timeout)
        self._requests += 1
        try:
            yield asyncio.get_running_loop().time() + seconds
        finally:
            self._requests -= 1
            if self._stopping and not self._requests:
                self._idle.set()

    async def predict(self, spec, decode, encode, entrypoint, deadline):
        """Answers a request that was admitted.

        Args:
          spec: a `ModelSpec`.
          decode: (servable) -> (signature, inputs, context), run in a thread: the signature's name, a dict of name to
            `tf.Tensor`, and anything that `encode` needs.
          encode: (servable, signature, outputs, context) -> the answer, run in a thread.
          entrypoint: str, for the metrics: "GRPC" or "REST".
          deadline: float, see `admitted`.

        Returns:
          What `encode` returns.

        Raises:
          RequestError: as it should be answered.
        """
        with self.models.use(spec) as servable, self._metrics.request(spec.name, entrypoint):
            async with before(deadline):
                if self._batcher is None:
                    return await self.in_thread(self._answer, servable, decode, encode)
                signature, inputs, context = await self.in_thread(decode, servable)
                outputs = await self._batcher.run(servable, signature, inputs)
                return await self.in_thread(encode, servable, signature, outputs, context)

    def _answer(self, servable, decode, encode):
        signature, inputs, context = decode(servable)
        with self._metrics.runtime(servable.name):
            outputs = servable.run(signature, inputs)
        return encode(servable, signature, outputs, context)

    async def in_thread(self, function, *arguments):
        """What a function returns, run in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    async def drain(self, grace):
        """Admits no more requests, and returns when those under way have ended, after `grace` seconds at most."""
        self._stopping = True
        if self._requests:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), grace)

    def close(self):
        """Ends the threads once they are done."""
        self._threads.shutdown(wait=False, cancel_futures=True)
