"""Random numbers for each example: distributed as they should be, and a function of its seed alone."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from zoo.random import fold_in, mix, normal_per_example, uniform_per_example

SEEDS = tf.constant([[3, i] for i in range(8)], tf.int64)


def splitmix(state, count):
    """SplitMix64 as Steele, Lea & Flood 2014 print it, in Python's integers."""
    out, ones = [], (1 << 64) - 1
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & ones
        z = ((state ^ state >> 30) * 0xBF58476D1CE4E5B9) & ones
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & ones
        out.append(z ^ z >> 31)
    return out


def test_it_is_splitmix():
    key = int(mix(mix(tf.constant([3], tf.int64)) + 5)[0]) % (1 << 64)
    words = splitmix(key, 12)
    found = uniform_per_example(tf.constant([[3, 5]], tf.int64), [3, 4], 0.0, 1.0)
    np.testing.assert_array_equal(found[0], np.reshape([(w >> 40) / 2**24 for w in words], [3, 4]))
    # The generator's published first words for state 0.
    assert splitmix(0, 2) == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]


@pytest.mark.parametrize(
    ("draw", "distribution"),
    [
        (lambda seeds: uniform_per_example(seeds, [100, 250], -1.0, 3.0), stats.uniform(-1, 4)),
        (lambda seeds: normal_per_example(seeds, [100, 250]), stats.norm()),
    ],
)
def test_distributions_and_independence(draw, distribution):
    values = draw(SEEDS).numpy().reshape(8, -1)
    assert stats.kstest(values.ravel(), distribution.cdf).pvalue > 0.01
    assert np.abs(np.corrcoef(values) - np.eye(8)).max() < 0.03
    assert abs(np.corrcoef(values[:, 1:].ravel(), values[:, :-1].ravel())[0, 1]) < 0.01
    other = draw(fold_in(SEEDS, 1)).numpy().reshape(8, -1)
    assert abs(np.corrcoef(values.ravel(), other.ravel())[0, 1]) < 0.01


def test_an_example_does_not_depend_on_its_batch_or_on_xla():
    whole = normal_per_example(SEEDS, [3, 2])
    # (Vector units round the last digit of a logarithm by its place.)
    part = normal_per_example(SEEDS[5:7], tf.constant([3, 2]))
    np.testing.assert_allclose(whole[5:7], part, rtol=1e-6)
    compiled = tf.function(lambda s: normal_per_example(s, [3, 2]), jit_compile=True)(SEEDS)
    np.testing.assert_allclose(whole, compiled, rtol=1e-5, atol=1e-6)


def test_folding_gives_seeds_that_differ_by_number_and_example():
    seeds = tf.constant([[i, j] for i in range(20) for j in range(5)], tf.int64)
    folded = np.concatenate([fold_in(seeds, number).numpy() for number in range(20)])
    assert len(np.unique(folded, axis=0)) == len(folded)


def test_a_scalar_for_each_example():
    assert uniform_per_example(SEEDS, [], 0.0, 1.0).shape == [8]
