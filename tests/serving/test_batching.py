"""Merging requests: what is merged, padded and taken apart, and who gets which error."""

import asyncio
import threading

import numpy as np
import pytest
import tensorflow as tf

from zoo.serving.batching import Batcher
from zoo.serving.client import Client
from zoo.serving.config import Batching
from zoo.serving.metrics import Metrics
from zoo.serving.status import RequestError


class Doubles:
    """A servable that doubles, remembers its batches, and dislikes negative numbers."""

    name = "doubles"

    def __init__(self):
        self.batches = []
        self.going = threading.Event()
        self.going.set()

    def run(self, signature, inputs):
        self.going.wait(10)
        self.batches.append(inputs["x"].numpy().tolist())
        if np.any(inputs["x"].numpy() < 0):
            raise RequestError("INVALID_ARGUMENT", "negative")
        return {"y": tf.reduce_sum(inputs["x"]) if signature == "sum" else 2 * inputs["x"]}


def ask_all(servable, requests, signature="double", **config):
    """What comes of requests, lists of numbers, that are made at the same time."""

    async def go():
        batcher = Batcher(Batching(**{"num_threads": 1, "timeout": 0.05} | config), Metrics())
        waiting = [batcher.run(servable, signature, {"x": tf.constant(x, tf.float32)}) for x in requests]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        batcher.close()
        return [r if isinstance(r, Exception) else r["y"].numpy().tolist() for r in results]

    return asyncio.run(go())


def test_requests_are_merged_in_their_order():
    servable = Doubles()
    assert ask_all(servable, [[1], [2, 3], [4]]) == [[2], [4, 6], [8]]
    assert servable.batches == [[1, 2, 3, 4]]


def test_a_full_batch_does_not_wait():
    servable = Doubles()
    results = ask_all(servable, [[1], [2], [3], [4]], max_batch_size=2, timeout=20)
    assert results == [[2], [4], [6], [8]]
    assert servable.batches == [[1, 2], [3, 4]]


def test_what_does_not_fit_goes_into_the_next_batch():
    servable = Doubles()
    assert ask_all(servable, [[1, 2], [3, 4], [5]], max_batch_size=3) == [[2, 4], [6, 8], [10]]
    assert servable.batches == [[1, 2], [3, 4, 5]]


def test_batches_are_padded_to_an_allowed_size_with_a_row_of_their_own():
    servable = Doubles()
    assert ask_all(servable, [[1], [2], [3]], max_batch_size=8, allowed_sizes=(2, 4, 8)) == [[2], [4], [6]]
    assert servable.batches == [[1, 2, 3, 3]]


def test_other_shapes_are_other_batches():
    servable = Doubles()
    results = ask_all(servable, [[[1, 2]], [[3]], [[4, 5]]])
    assert results == [[[2, 4]], [[6]], [[8, 10]]]
    assert sorted(servable.batches) == [[[1, 2], [4, 5]], [[3]]]


def test_a_bad_request_fails_alone():
    results = ask_all(Doubles(), [[1], [-1], [2]])
    assert (results[0], results[2]) == ([2], [4])
    assert results[1].message == "negative"


def test_outputs_without_a_batch_are_refused():
    for result in ask_all(Doubles(), [[1], [2]], signature="sum"):
        assert result.code == "FAILED_PRECONDITION"
        assert "does not equal the sum of the 0th dimension" in result.message


def test_too_many_rows():
    (result,) = ask_all(Doubles(), [[1, 2, 3]], max_batch_size=2)
    assert result.code == "INVALID_ARGUMENT"
    assert result.message == "Task size 3 is larger than maximum input batch size 2"


def test_a_full_queue():
    servable = Doubles()
    servable.going.clear()
    threading.Timer(0.3, servable.going.set).start()
    results = ask_all(servable, [[n] for n in range(5)], max_batch_size=1, max_enqueued_batches=2)
    # One is being computed and two wait.
    assert [getattr(result, "code", "OK") for result in results] == ["OK"] * 3 + ["UNAVAILABLE"] * 2


def test_scalars_cannot_be_merged():
    (result,) = ask_all(Doubles(), [1])
    assert result.message == "Batching Run() input tensors must have at least one dimension"


def test_who_gave_up_is_not_computed():
    servable = Doubles()

    async def go():
        batcher = Batcher(Batching(num_threads=1, timeout=0.1), Metrics())
        inputs = [{"x": tf.constant([n], tf.float32)} for n in (1, 2)]
        first = asyncio.ensure_future(batcher.run(servable, "double", inputs[0]))
        second = asyncio.ensure_future(batcher.run(servable, "double", inputs[1]))
        await asyncio.sleep(0.01)
        first.cancel()
        return (await second)["y"].numpy().tolist()

    assert asyncio.run(go()) == [4]
    assert servable.batches == [[2]]


BATCHING = """max_batch_size { value: 4 } batch_timeout_micros { value: 20000 } num_batch_threads { value: 1 }
              max_enqueued_batches { value: 64 } allowed_batch_sizes: 2 allowed_batch_sizes: 4"""


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_server_answers_alike_with_and_without(serve, tmp_path, noise, in_background, scheme):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "batching.config").write_text(BATCHING)
    plain, batched = serve(), serve(enable_batching=True)
    images = [noise.random([1 + n % 2, 5, 4 + n % 3, 3]).astype(np.float32) for n in range(24)]

    def ask(server):
        port = server.rest_port if scheme == "http" else server.grpc_port
        client = Client(f"{scheme}://127.0.0.1:{port}")
        asked = [in_background(client.predict, "small", "convolve", {"image": image}) for image in images]
        return [future.result()["filtered"] for future in asked]

    for one, other, image in zip(ask(plain), ask(batched), images, strict=True):
        assert one.shape == (*image.shape[:3], 2)
        np.testing.assert_allclose(one, other, rtol=1e-5)
