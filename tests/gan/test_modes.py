"""Measures of collapse against what must come out of sets made by hand; data against their closed forms."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from zoo.gan.modes import count_modes, reverse_kl, sliced_wasserstein, wasserstein
from zoo.gan.toy_data import grid, ring, swiss_roll


def test_perfect_samples(noise):
    for mixture, modes in ((ring(), 8), (grid(), 25)):
        points = mixture.sample(tf.constant([1, 2]), 2500).numpy()
        found = count_modes(points, mixture)
        assert found["modes"] == modes
        # Within three deviations of a Gaussian of the plane: 1 - exp(-9/2).
        assert found["high_quality"] == pytest.approx(1 - np.exp(-4.5), abs=0.006)
        assert found["reverse_kl"] < 0.02


def test_a_collapsed_generator():
    mixture = grid()
    points = np.repeat(mixture.centers[:5], 20, axis=0)
    found = count_modes(points, mixture)
    assert (found["modes"], found["high_quality"]) == (5, 1)
    assert found["reverse_kl"] == pytest.approx(np.log(5))
    far = points + 10 * mixture.deviation
    found = count_modes(far, mixture)
    assert (found["modes"], found["high_quality"], found["reverse_kl"]) == (0, 0, None)
    assert found["reverse_kl_all"] == pytest.approx(np.log(5))


def test_centers_are_distinct_and_as_published():
    assert len(np.unique(ring().centers.round(6), axis=0)) == 8
    assert np.linalg.norm(ring().centers, axis=1) == pytest.approx(np.full(8, 2 / 1.414), rel=1e-6)
    assert len(np.unique(grid().centers, axis=0)) == 25
    assert np.abs(grid().centers).max() == pytest.approx(4 / 2.828)


def test_swiss_roll_is_a_spiral():
    points = 7.5 * swiss_roll().sample(tf.constant([1, 2]), 4000).numpy()
    radius = np.linalg.norm(points, axis=1)
    turn = (np.arctan2(points[:, 1], points[:, 0]) - radius) / (2 * np.pi)
    off = 2 * np.pi * (turn - turn.round())  # radius = angle on the spiral
    assert np.abs(off).mean() < 0.3
    assert 4.5 * np.pi + 1 > radius.max() > 4.5 * np.pi - 1 > 1.5 * np.pi + 1 > radius.min()


def test_reverse_kl():
    assert reverse_kl([5, 5]) == 0
    assert reverse_kl([10, 0]) == pytest.approx(np.log(2))
    assert reverse_kl([3, 1], [0.5, 0.5]) == pytest.approx(stats.entropy([0.75, 0.25], [0.5, 0.5]))


def test_wasserstein_distances(noise):
    points = noise.normal(size=(300, 2))
    shifted = points + np.array([3.0, 4.0])
    assert wasserstein(points, shifted) == pytest.approx(5)
    assert wasserstein(points, noise.permutation(points)) == pytest.approx(0, abs=1e-12)
    # The mean of |cos| over directions is 2/π.
    assert sliced_wasserstein(points, shifted, 5000) == pytest.approx(5 * 2 / np.pi, rel=0.02)
    line, other = np.array([[0.0], [1.0], [5.0]]), np.array([[2.0], [1.0], [9.0]])
    assert sliced_wasserstein(line, other) == pytest.approx(
        stats.wasserstein_distance(line[:, 0], other[:, 0])
    )
