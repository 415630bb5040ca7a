import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from zoo.metrics.psnr import psnr


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (37, 51, 3), dtype=np.uint8)
    noisy = np.clip(image + rng.integers(-30, 31, image.shape), 0, 255).astype(np.uint8)
    return image, noisy


def test_uint8_as_scikit_image(pair):
    image, noisy = pair
    assert psnr(noisy, image) == pytest.approx(
        peak_signal_noise_ratio(image, noisy, data_range=255), abs=1e-10
    )


def test_float_as_scikit_image(pair):
    image, noisy = (x.astype(np.float32) / 255 for x in pair)
    expected = peak_signal_noise_ratio(image, noisy, data_range=1.0)
    assert psnr(noisy, image, max_value=1.0) == pytest.approx(expected, abs=1e-5)


def test_known_value():
    image = np.zeros((4, 4, 3), np.uint8)
    assert psnr(image, image + 255) == 0.0
    assert psnr(image, image + 1) == pytest.approx(48.1308, abs=1e-4)


def test_dark_minus_bright_does_not_wrap():
    dark, bright = np.full((2, 2, 3), 10, np.uint8), np.full((2, 2, 3), 20, np.uint8)
    assert psnr(dark, bright) == psnr(bright, dark) == pytest.approx(20 * np.log10(25.5))


def test_equal_pictures_are_infinitely_good(pair):
    assert psnr(pair[0], pair[0]) == float("inf")


def test_mistakes(pair):
    image, noisy = pair
    with pytest.raises(ValueError, match="equal shapes"):
        psnr(image, noisy[:-1])
    with pytest.raises(ValueError, match="max_value"):
        psnr(image / 255, noisy / 255)
    with pytest.raises(ValueError, match="max_value"):
        psnr(image, noisy.astype(np.float32))
