"""The interpolant of least norm, against SciPy and linear algebra."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from zoo.errors import UserError
from zoo.memorization.kernel import GAMMA, fit_kernel, gaussian_kernel


@pytest.fixture
def data(noise):
    return noise.random((300, 20)), np.eye(3)[noise.integers(0, 3, 300)]


def test_the_kernel_is_scipys(noise):
    x, y = noise.random((40, 7)), noise.random((30, 7))
    expected = np.exp(-0.3 * cdist(x, y, "sqeuclidean"))
    np.testing.assert_allclose(gaussian_kernel(x, y, 0.3), expected, rtol=1e-10)


def test_it_has_the_labels_and_the_least_norm(data, noise):
    x, y = data
    f = fit_kernel(x, y, gamma=2.0)
    np.testing.assert_allclose(f(x), y, atol=1e-9)
    kernel = gaussian_kernel(x, x, 2.0)
    solved = np.linalg.solve(kernel, y)
    np.testing.assert_allclose(f.coefficients, solved, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(f.norms, np.sqrt(np.einsum("ij,ik,kj->j", solved, kernel, solved)), rtol=1e-9)
    # Any other function of the space with these values, such as one that has a further point, has a larger norm.
    more = np.concatenate([x, noise.random((1, 20))])
    other = np.concatenate([y, f(more[-1:]) + 0.5])
    assert np.all(fit_kernel(more, other, gamma=2.0).norms > f.norms)


def test_far_from_all_points_it_is_nothing(data):
    x, y = data
    np.testing.assert_allclose(fit_kernel(x, y, gamma=2.0)(x[:5] + 100), 0, atol=1e-12)


def test_float32_is_near_float64_and_the_memory_is_told_before(data):
    x, y = data
    told = []
    f = fit_kernel(x, y, gamma=2.0, dtype=np.float32, out=told.append)
    assert told == [300 * 300 * 4]
    assert f.coefficients.dtype == np.float32
    np.testing.assert_allclose(f(x), y, atol=1e-3)


def test_random_labels_take_a_larger_norm(noise):
    x = noise.random((400, 2))
    smooth = np.sin(3 * x[:, :1])
    shuffled = noise.permutation(smooth)
    assert fit_kernel(x, shuffled, gamma=200.0).norms[0] > 1.5 * fit_kernel(x, smooth, gamma=200.0).norms[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(10))
def test_a_copy_with_another_label_is_always_refused(seed, dtype):
    rng = np.random.default_rng(seed)
    x = rng.random((300, 20))
    y = rng.random((301, 1))
    with pytest.raises(UserError, match="singular"):
        fit_kernel(np.concatenate([x, x[:1]]), y, 2.0, dtype)


def test_more_than_the_machine_has_is_refused_before_it_is_taken(monkeypatch, data):
    monkeypatch.setattr("os.sysconf", lambda name: 100)
    with pytest.raises(UserError, match="300 points need 0.0 GiB, and there are 0.0; take fewer"):
        fit_kernel(*data)


@pytest.mark.parametrize(
    ("x", "y", "complaint"),
    [
        (np.ones((2, 3)), np.eye(2), "singular in float64"),
        (np.ones((2, 3)), np.eye(3), r"x has shape \(2, 3\) and y \(3, 3\)"),
        (np.full((2, 3), np.inf), np.eye(2), "no finite numbers"),
    ],
)
def test_what_cannot_be_is_refused(x, y, complaint):
    with pytest.raises(UserError, match=complaint):
        fit_kernel(x, y, GAMMA)
