"""The network of the theorem: exact, as small as promised, of any labels; what it cannot have is refused."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.linalg import solve_triangular

from zoo.errors import UserError
from zoo.memorization.expressivity import interpolating_network, spline


def weights(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.mark.parametrize(
    ("n", "d", "depth"),
    [(2, 1, 2), (2, 1, 3), (50, 1, 2), (50, 1, 3), (50, 1, 7), (1000, 30, 2), (1000, 30, 3), (1000, 30, 7)],
)
def test_any_labels_on_any_points(noise, n, d, depth):
    x, y = noise.normal(size=(n, d)), noise.integers(0, 10, n)
    model = interpolating_network(x, y, depth)
    assert weights(model) == 2 * n + d
    np.testing.assert_allclose(model(x), y, atol=1e-6)
    assert sum("hinges" in layer.name for layer in model.layers) == depth - 1


def test_labels_of_several_numbers(noise):
    x, y = noise.normal(size=(200, 5)), np.eye(10)[noise.integers(0, 10, 200)]
    model = interpolating_network(x, y)
    assert weights(model) == 5 + 200 + 200 * 10
    np.testing.assert_allclose(model(x), y, atol=1e-7)


def test_the_spline_is_the_papers_triangular_system(noise):
    """Lemma 1 with each threshold moved to the point below it: A is lower triangular, A w = y."""
    z, y = np.sort(noise.normal(size=60)), noise.normal(size=(60, 1))
    thresholds, found = spline(z, y)
    matrix = np.maximum(z[:, np.newaxis] - thresholds, 0)
    assert np.all(np.triu(matrix, 1) == 0)
    assert np.all(np.diag(matrix) > 0)
    np.testing.assert_allclose(found, solve_triangular(matrix, y, lower=True), rtol=1e-5)


def test_between_points_it_is_linear():
    x = np.array([[0.0], [1.0], [3.0]])
    model = interpolating_network(x, [2.0, 4.0, 0.0])
    np.testing.assert_allclose(model(np.array([[0.5], [2.0]])), [3.0, 2.0], atol=1e-12)


def test_it_is_an_ordinary_keras_model(noise, tmp_path):
    x, y = noise.normal(size=(20, 4)), noise.integers(0, 2, 20)
    model = interpolating_network(x, y)
    model.save(tmp_path / "model.keras")
    again = tf.keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(x), model(x))


@pytest.mark.parametrize(
    ("x", "y", "depth", "complaint"),
    [
        ([[1.0], [2.0], [1.0]], [0, 1, 1], 2, "points 0 and 2 are equal and have different labels"),
        (
            [[1.0], [2.0], [1.0]],
            [0, 1, 0],
            2,
            "points 0 and 2 are equal and have one label; leave one of them out",
        ),
        ([[1.0], [np.nan]], [0, 1], 2, "no finite numbers"),
        ([[1.0], [2.0]], [0, 1, 2], 2, r"x has shape \(2, 1\) and y \(3, 1\)"),
        ([[1.0], [2.0]], [0, 1], 4, "depth is 4; 2 to 3"),
        ([[1.0]], [0], 2, "n 2 or more"),
    ],
)
def test_what_cannot_be_is_refused(x, y, depth, complaint):
    with pytest.raises(UserError, match=complaint):
        interpolating_network(x, y, depth)
