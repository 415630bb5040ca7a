import numpy as np
import pytest
from scipy import ndimage, stats

from zoo.superres.benchmark import luma
from zoo.superres.statistics import distances, responses


@pytest.fixture
def photograph():
    import zoo.data

    return zoo.data.load("sample:kodak", "test")[0]["image"][:120, :160]


def grey(plane):
    return np.repeat(np.round(plane).clip(0, 255).astype(np.uint8)[..., np.newaxis], 3, axis=2)


def test_a_picture_is_at_no_distance_of_itself_and_its_mirror(photograph):
    assert distances(photograph, photograph) == (0, 0)
    # Mirrored at the diagonal: the same edges; directions are exchanged among each other.
    assert distances(photograph.transpose(1, 0, 2), photograph)[0] == pytest.approx(0, abs=1e-12)


def test_distance_is_scipys(photograph):
    blurred = ndimage.gaussian_filter(photograph, (1.5, 1.5, 0))
    ours, theirs = responses(blurred), responses(photograph)
    expected = {
        key: stats.wasserstein_distance(ours[key], theirs[key]) / np.abs(theirs[key]).mean() for key in ours
    }
    gradient, band = distances(blurred, photograph)
    assert gradient == pytest.approx(expected.pop("gradient"))
    assert band == pytest.approx(np.mean(list(expected.values())))


def test_no_detail_is_about_one_and_order_of_blurs_is_kept(photograph):
    flat = np.full_like(photograph, 128)
    assert distances(flat, photograph) == pytest.approx((1, 1), abs=1e-3)
    blurs = [ndimage.gaussian_filter(photograph, (s, s, 0)) for s in (0.5, 1, 2, 4)]
    found = np.array([distances(blur, photograph) for blur in blurs])
    assert np.all(np.diff(found, axis=0) > 0)


def test_bands_are_directed_and_of_their_size():
    """A sine wave answers where its direction is, by the Fourier transform of a Gaussian's second derivative."""
    frequency = 2 * np.pi / 8
    x = np.arange(96)
    wave = 100 * np.cos(frequency * x)
    along_x, along_y = grey(128 + np.tile(wave, (96, 1))), grey(128 + np.tile(wave[:, np.newaxis], (1, 96)))
    gain = luma(along_x).std() * np.sqrt(2) * frequency**2 * np.exp(-(frequency**2) / 2)
    inner = np.s_[12:-12, 12:-12]
    for picture, strong, silent in ((along_x, 0, 2), (along_y, 2, 0)):
        found = {
            key[2]: a.reshape(96, 96)[inner] for key, a in responses(picture).items() if key[1:2] == (1.0,)
        }
        assert np.abs(found[strong]).max() == pytest.approx(gain, rel=0.02)
        assert np.abs(found[silent]).max() < 0.02 * gain
        assert np.abs(found[1]).max() == pytest.approx(gain / 2, rel=0.05)  # cos² of 45 degrees
