import itertools

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import zoo.data
from zoo.data import pipeline
from zoo.data.source import Source, from_arrays


@pytest.fixture
def numbered():
    """Ten examples; the picture of example i is filled with i."""
    images = np.repeat(np.arange(10, dtype=np.uint8), 4).reshape(10, 2, 2, 1)
    return from_arrays("ten", {"image": images, "label": np.arange(10)})


def lazy(source):
    """The same source, but read example by example."""
    return Source(source.name, source.size, source.get, source.features)


def take(dataset, n):
    return list(dataset.take(n).as_numpy_iterator())


def assert_same(batches, others):
    assert len(batches) == len(others)
    for batch, other in zip(batches, others, strict=True):
        assert batch.keys() == other.keys()
        for name in batch:
            np.testing.assert_array_equal(batch[name], other[name])


def add_noise(example, seed):
    """A transform that shows which seed it was given."""
    return example | {"drawn": tf.random.stateless_uniform([], seed)}


@pytest.mark.parametrize("size", [1, 2, 3, 10, 1000])
def test_a_pass_is_a_permutation(size):
    counters = tf.range(3 * size, dtype=tf.int64)
    indices = pipeline.example_indices(counters, size, seed=5, shuffle=True).numpy()
    for epoch in range(3):
        np.testing.assert_array_equal(np.sort(indices[epoch * size :][:size]), np.arange(size))
    one_by_one = [int(pipeline.example_indices(c, size, 5, True)) for c in counters[:20]]
    np.testing.assert_array_equal(one_by_one, indices[:20])


def test_passes_and_seeds_have_their_own_order():
    counters = tf.range(200, dtype=tf.int64)
    first, second = np.split(pipeline.example_indices(counters, 100, 0, True).numpy(), 2)
    other = pipeline.example_indices(counters[:100], 100, 1, True).numpy()
    assert len({tuple(order) for order in (first, second, other, np.arange(100))}) == 4


def test_no_order_comes_twice():
    def orders(epochs, seed):
        counters = tf.range(20 * epochs, dtype=tf.int64)
        return pipeline.example_indices(counters, 20, seed, True).numpy().reshape(epochs, 20)

    assert len(np.unique(orders(600, seed=0), axis=0)) == 600
    firsts = np.concatenate([orders(1, seed) for seed in range(300)])
    assert len(np.unique(firsts, axis=0)) == 300


def test_first_examples_are_spread_evenly():
    # Over many passes each example comes first about equally often: chi-squared with 99 degrees of freedom.
    starts = tf.range(0, 5000 * 100, 100, dtype=tf.int64)
    counts = np.bincount(pipeline.example_indices(starts, 100, 0, True).numpy(), minlength=100)
    assert 50 < np.sum((counts - 50) ** 2 / 50) < 160


def test_order_of_a_large_set_has_no_structure():
    n = 50000
    order = pipeline.example_indices(tf.range(n, dtype=tf.int64), n, 0, True).numpy()
    neighbours = np.corrcoef(order[:-1], order[1:])[0, 1]
    assert abs(neighbours) < 4 / np.sqrt(n)
    # Means of batches vary as those of independent draws do: n / sqrt(12 * batch), within 4 standard errors.
    means = order[: n // 64 * 64].reshape(-1, 64).mean(1)
    assert abs(means.std() / (n / np.sqrt(12 * 64)) - 1) < 4 / np.sqrt(2 * len(means))


def test_without_shuffling_the_order_is_the_sets_own(numbered):
    batches = take(pipeline.batches(numbered, 4, seed=0, shuffle=False), 5)
    np.testing.assert_array_equal(np.concatenate([b["label"] for b in batches]), np.tile(np.arange(10), 2))


def test_batch_k_is_the_same_from_any_start(numbered):
    settings = {"seed": 7, "transform": add_noise}
    from_zero = take(pipeline.batches(numbered, 4, **settings), 8)
    from_five = take(pipeline.batches(numbered, 4, start_step=5, **settings), 3)
    assert_same(from_zero[5:], from_five)


def test_a_pass_over_batches_meets_every_example(numbered):
    batches = take(pipeline.batches(numbered, 5, seed=0), 4)
    labels = np.concatenate([b["label"] for b in batches]).reshape(2, 10)
    np.testing.assert_array_equal(np.sort(labels), np.tile(np.arange(10), (2, 1)))
    for batch in batches:
        np.testing.assert_array_equal(batch["image"][:, 0, 0, 0], batch["label"])


def test_every_example_has_its_own_seed(numbered):
    seeds = np.concatenate([b["seed"] for b in take(pipeline.batches(numbered, 4, seed=7), 10)])
    assert seeds.dtype == np.int64
    np.testing.assert_array_equal(seeds, [(7, i) for i in range(40)])


@pytest.mark.parametrize(("pipelines", "replicas"), [(1, 2), (2, 2), (2, 4), (4, 4)])
@pytest.mark.parametrize("start_step", [0, 3])
def test_replicas_share_the_global_batch(numbered, pipelines, replicas, start_step):
    settings = {"seed": 7, "transform": add_noise, "start_step": start_step}
    whole = take(pipeline.batches(numbered, 8, **settings), 4)
    per_pipeline = replicas // pipelines
    parts = [
        take(pipeline.batches(numbered, 8, context=tf.distribute.InputContext(pipelines, i, replicas), **settings),
             4 * per_pipeline)
        for i in range(pipelines)
    ]  # fmt: skip
    for step in range(4):
        pieces = itertools.chain.from_iterable(p[step * per_pipeline :][:per_pipeline] for p in parts)
        pieces = list(pieces)
        assert [len(piece["label"]) for piece in pieces] == [8 // replicas] * replicas
        together = {name: np.concatenate([piece[name] for piece in pieces]) for name in whole[step]}
        assert_same([together], [whole[step]])


def test_batch_that_replicas_cannot_share(numbered):
    with pytest.raises(ValueError, match="batch_size is 6, which 4 replicas cannot share"):
        pipeline.batches(numbered, 6, seed=0, context=tf.distribute.InputContext(1, 0, 4))


def test_fetch_from_arrays_and_example_by_example_agree(numbered):
    settings = {"seed": 3, "transform": add_noise}
    in_memory = pipeline.batches(numbered, 4, **settings)
    one_by_one = pipeline.batches(lazy(numbered), 4, **settings)
    assert in_memory.element_spec == one_by_one.element_spec
    assert_same(take(in_memory, 6), take(one_by_one, 6))


def test_fetch_reads_files(tmp_path, noise):
    images = [noise.integers(256, size=(h, 6, 3), dtype=np.uint8) for h in (4, 5, 6)]
    for i, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    source = zoo.data.load(f"folder:{tmp_path}")
    dataset = tf.data.Dataset.range(3).map(lambda i: pipeline.fetch(source, i))
    assert dataset.element_spec["image"].shape.as_list() == [None, None, 3]
    for fetched, image in zip(dataset.as_numpy_iterator(), images, strict=True):
        np.testing.assert_array_equal(fetched["image"], image)


def test_arrays_stay_out_of_the_graph():
    # As a constant of the graph a large set would be copied several times, and end at 2 GiB.
    source = from_arrays("zeros", {"image": np.zeros((64, 32, 32, 3), np.uint8)})
    graph = (
        tf.function(lambda i: pipeline.fetch(source, i))
        .get_concrete_function(tf.TensorSpec([], tf.int64))
        .graph
    )
    assert graph.as_graph_def().ByteSize() < 10_000


@pytest.mark.parametrize("replicas", [1, 2])
def test_resident_batches_are_the_same_batches(numbered, replicas):
    settings = {"seed": 7, "transform": add_noise}
    expected = take(pipeline.batches(numbered, 4, **settings), 5)
    draw = tf.function(pipeline.resident_batches(numbered, 4, **settings))
    for step, batch in enumerate(expected):
        parts = [draw(tf.constant(step, tf.int64), tf.constant(r), replicas) for r in range(replicas)]
        together = {name: np.concatenate([part[name] for part in parts]) for name in batch}
        assert_same([together], [batch])


def patches(image, n, size, **settings):
    """n random patches of one picture, [n, size, size, channels]."""
    source = lazy(from_arrays("one", {"image": np.asarray(image)[np.newaxis]}))
    transform = pipeline.random_patch(size, **settings)
    (batch,) = take(pipeline.batches(source, n, seed=0, transform=transform), 1)
    assert batch["image"].dtype == np.float32
    return batch["image"]


def test_random_patch_cuts_out_of_the_picture(noise):
    image = noise.integers(256, size=(12, 9, 3), dtype=np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(image / np.float32(255), (8, 8), (0, 1)).transpose(
        0, 1, 3, 4, 2
    )
    windows = windows.reshape(-1, 8, 8, 3)
    found = patches(image, 100, 8, flip=False)
    assert found.shape == (100, 8, 8, 3)
    nearest = np.abs(found[:, np.newaxis] - windows).max((2, 3, 4))
    np.testing.assert_allclose(nearest.min(1), 0, atol=1e-6)  # each patch is a window
    assert len(set(nearest.argmin(1))) == 5 * 2  # and each window occurs


def test_random_patch_flips_half_of_them(noise):
    image = noise.integers(256, size=(4, 4, 1), dtype=np.uint8)
    base = image / np.float32(255)
    ways = np.stack([base, base[:, ::-1], base[::-1], base[::-1, ::-1]])
    found = patches(image, 400, 4)
    nearest = np.abs(found[:, np.newaxis] - ways).max((2, 3, 4))
    np.testing.assert_allclose(nearest.min(1), 0, atol=1e-6)
    np.testing.assert_allclose(
        np.bincount(nearest.argmin(1), minlength=4), 100, atol=35
    )  # 4 standard deviations


def test_random_patch_enlarges_small_pictures(noise):
    image = noise.integers(256, size=(5, 30, 3), dtype=np.uint8)
    found = patches(image, 20, 16)
    assert found.shape == (20, 16, 16, 3)
    assert found.min() >= 0
    assert found.max() <= 1 + 1e-6


def test_random_patch_scale():
    # On a ramp the slope says how much the picture was enlarged.
    ramp = np.tile(np.arange(200, dtype=np.uint8)[np.newaxis, :, np.newaxis], (200, 1, 1))
    found = patches(ramp, 60, 32, flip=False, scale_range=(0.5, 2.0))
    middle = found[:, 16, 8:24, 0] * 255  # away from the borders, which resizing bends
    factors = 1 / np.diff(middle).mean(1)
    assert 0.48 < factors.min() < 0.65
    assert 1.8 < factors.max() < 2.05


def test_random_patch_is_a_function_of_the_seed(noise):
    image = tf.constant(noise.integers(256, size=(20, 20, 3), dtype=np.uint8))
    transform = tf.function(pipeline.random_patch(8, scale_range=(0.7, 1.4)))

    def patch(*seed):
        return transform({"image": image}, tf.constant(seed, tf.int64))["image"].numpy()

    np.testing.assert_array_equal(patch(1, 2), patch(1, 2))
    assert not np.array_equal(patch(1, 2), patch(1, 3))
    assert not np.array_equal(patch(1, 2), patch(2, 2))


def test_to_float():
    values = pipeline.to_float(tf.constant([0, 51, 255], tf.uint8))
    assert values.dtype == tf.float32
    np.testing.assert_allclose(values, [0, 0.2, 1], atol=1e-7)


def test_batches_end_where_they_are_told(numbered):
    settings = {"seed": 4, "transform": None}
    (last, *more) = take(pipeline.batches(numbered, 4, start_step=2, stop_step=3, **settings), 5)
    assert not more
    np.testing.assert_array_equal(last["seed"], take(pipeline.batches(numbered, 4, **settings), 3)[2]["seed"])
