"""Merges requests into batches, as TF Serving's BatchingSession does.

Requests for the same signature of the same version with inputs of the same types and shapes, the first dimension
apart, are concatenated along it, padded to an allowed size, computed together and taken apart again. Unlike there, a
batch that fails is computed again request by request, so that a damaged file fails alone.
"""

import asyncio
import concurrent.futures
import dataclasses

import tensorflow as tf

from zoo.serving.status import RequestError


@dataclasses.dataclass
class _Task:
    inputs: dict
    size: int
    done: asyncio.Future


@dataclasses.dataclass
class _Batch:
    key: tuple  # servable, signature, and what else must be equal
    tasks: list = dataclasses.field(default_factory=list)
    size: int = 0
    due: bool = False  # it has waited long enough

    def add(self, task):
        self.tasks.append(task)
        self.size += task.size


class Batcher:
    """Computes signatures for many requests at a time. Lives on the event loop, so that it needs no lock."""

    def __init__(self, config, metrics):
        """Starts the threads.

        Args:
          config: a `zoo.serving.config.Batching`.
          metrics: a `Metrics`.
        """
        self._config = config
        self._metrics = metrics
        self._threads = concurrent.futures.ThreadPoolExecutor(config.num_threads, "batch")
        self._free = config.num_threads
        self._computing = set()
        self._open = {}  # key -> the batch that may still grow
        self._waiting = []  # all batches that no thread has taken, the oldest first

    async def run(self, servable, signature, inputs):
        """As `Servable.run`, but together with other requests.

        Raises:
          RequestError: also INVALID_ARGUMENT, more rows than a batch may have; UNAVAILABLE, too many wait already.
        """
        task = _Task(inputs, _batch_size(inputs), asyncio.get_running_loop().create_future())
        kinds = ((name, tensor.dtype, *tensor.shape[1:]) for name, tensor in sorted(inputs.items()))
        self._batch_for((servable, signature, *kinds), task.size).add(task)
        self._start()
        return await task.done

    def _batch_for(self, key, size):
        """A batch with room for `size` more rows."""
        limit = self._config.max_batch_size
        if size > limit:
            raise RequestError(
                "INVALID_ARGUMENT", f"Task size {size} is larger than maximum input batch size {limit}"
            )
        batch = self._open.get(key)
        if batch is None or batch.size + size > limit:
            queued = sum(other.key[:2] == key[:2] for other in self._waiting)
            if queued >= self._config.max_enqueued_batches:
                raise RequestError(
                    "UNAVAILABLE", "The batch scheduling queue to which this task was submitted is full"
                )
            batch = self._open[key] = _Batch(key)
            self._waiting.append(batch)
            asyncio.get_running_loop().call_later(self._config.timeout, self._ripen, batch)
        return batch

    def _ripen(self, batch):
        batch.due = True
        self._start()

    def _start(self):
        """Gives free threads the batches that are full, superseded or due, the oldest first."""
        for batch in list(self._waiting):
            if not self._free:
                return
            grows = self._open.get(batch.key) is batch
            if grows and not batch.due and batch.size < self._config.max_batch_size:
                continue
            self._waiting.remove(batch)
            if grows:
                del self._open[batch.key]
            tasks = [task for task in batch.tasks if not task.done.done()]  # some may have given up
            if tasks:
                self._free -= 1
                computing = asyncio.ensure_future(self._compute(*batch.key[:2], tasks))
                self._computing.add(computing)
                computing.add_done_callback(self._computing.discard)

    async def _compute(self, servable, signature, tasks):
        loop = asyncio.get_running_loop()
        try:
            results = await loop.run_in_executor(
                self._threads, self._run_together, servable, signature, tasks
            )
        except Exception as error:
            results = [error] * len(tasks)
        self._free += 1
        for task, result in zip(tasks, results, strict=True):
            if task.done.done():
                continue
            if isinstance(result, Exception):
                task.done.set_exception(result)
            else:
                task.done.set_result(result)
        self._start()

    def _run_together(self, servable, signature, tasks):
        """The outputs of each task, or the `RequestError` it failed with."""
        sizes = [task.size for task in tasks]
        padding = self._padding(sum(sizes))
        try:
            with self._metrics.runtime(servable.name):
                outputs = servable.run(signature, _merge(tasks, padding))
        except RequestError as error:
            if len(tasks) == 1:
                return [error]
            return [result for task in tasks for result in self._run_together(servable, signature, [task])]
        return _split(outputs, [*sizes, padding])[: len(tasks)]

    def _padding(self, size):
        """Rows to add to a batch of `size` so that it has an allowed size."""
        return (
            min((allowed for allowed in self._config.allowed_sizes if allowed >= size), default=size) - size
        )

    def close(self):
        """Ends the threads once they are done."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _batch_size(inputs):
    """The first dimension of a request's inputs.

    Raises:
      RequestError: INVALID_ARGUMENT, with TF Serving's text, they have none or several.
    """
    if any(not tensor.shape.rank for tensor in inputs.values()):
        raise RequestError(
            "INVALID_ARGUMENT", "Batching Run() input tensors must have at least one dimension"
        )
    sizes = {tensor.shape[0] for tensor in inputs.values()}
    if len(sizes) != 1:
        raise RequestError(
            "INVALID_ARGUMENT", "Batching Run() input tensors must have equal 0th-dimension size"
        )
    return sizes.pop()


def _merge(tasks, padding):
    """The inputs of all tasks concatenated: dict of name to tensor."""
    merged = {}
    for name in tasks[0].inputs:
        parts = [task.inputs[name] for task in tasks]
        if padding:
            parts.append(tf.repeat(parts[-1][:1], padding, axis=0))  # of a row that is known to be valid
        merged[name] = tf.concat(parts, axis=0) if len(parts) > 1 else parts[0]
    return merged


def _split(outputs, sizes):
    """The outputs of a batch for each task: list of dict; or of a `RequestError`, if they cannot be taken apart."""
    if any(not tensor.shape.rank or tensor.shape[0] != sum(sizes) for tensor in outputs.values()):
        error = RequestError(
            "FAILED_PRECONDITION",
            "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the input tensors",
        )
        return [error] * len(sizes)
    parts = {name: tf.split(tensor, sizes) for name, tensor in outputs.items()}
    return [{name: parts[name][number] for name in outputs} for number in range(len(sizes))]
