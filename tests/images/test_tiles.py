from fractions import Fraction

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from zoo.images.tiles import by_tiles


def smooth(x):
    return uniform_filter(x, (5, 5, 1), mode="constant")  # looks two samples far


def shrink(x):
    """Means of 4 x 4 samples of `smooth`, the last ones of what is there."""
    x = smooth(x)
    x = np.pad(x, [(0, -n % 4) for n in x.shape[:2]] + [(0, 0)], mode="edge")
    return x.reshape(x.shape[0] // 4, 4, x.shape[1] // 4, 4, -1).mean((1, 3))


def enlarge(x):
    return smooth(x).repeat(3, 0).repeat(3, 1)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (16, 20), (17, 31), (40, 9)])
def test_the_same_as_at_once(noise, size):
    source = noise.normal(size=(*size, 2))
    for function, scale, margin in ((smooth, 1, 2), (shrink, Fraction(1, 4), 4), (enlarge, 3, 2)):
        expected = function(source)
        target = np.full_like(expected, np.nan)
        by_tiles(function, source, target, scale, tile=8, margin=margin)
        np.testing.assert_allclose(target, expected, atol=1e-12)


def test_no_tile_is_larger_than_asked(noise):
    sizes = []

    def function(part):
        sizes.append(part.shape[:2])
        return part

    source = noise.normal(size=(50, 70, 1))
    by_tiles(function, source, np.empty_like(source), 1, tile=16, margin=3)
    assert len(sizes) == 4 * 5
    assert max(max(size) for size in sizes) == 16 + 2 * 3


def test_a_margin_too_narrow_would_show(noise):
    source = noise.normal(size=(40, 40, 1))
    target = np.empty_like(source)
    by_tiles(smooth, source, target, 1, tile=8, margin=1)
    assert np.abs(target - smooth(source)).max() > 0.01
