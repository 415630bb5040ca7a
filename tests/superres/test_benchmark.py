import numpy as np
import pytest
import skimage.color
import skimage.metrics

from zoo.superres.benchmark import luma, psnr_y, ssim_y


@pytest.fixture
def pair(noise):
    image = noise.integers(0, 256, [40, 52, 3], np.uint8)
    other = np.clip(image + noise.integers(-9, 10, image.shape), 0, 255).astype(np.uint8)
    return image, other


def test_luma_is_scikit_images(pair):
    np.testing.assert_allclose(luma(pair[0]), skimage.color.rgb2ycbcr(pair[0])[..., 0], atol=1e-9)


def test_metrics_are_scikit_images(pair):
    a, b = (luma(x)[4:-4, 4:-4] for x in pair)
    expected = skimage.metrics.peak_signal_noise_ratio(a, b, data_range=255)
    assert psnr_y(*pair, 4) == pytest.approx(expected)
    _, full = skimage.metrics.structural_similarity(
        a, b, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    assert ssim_y(*pair, 4) == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-5)


def test_equal_pictures(pair):
    assert psnr_y(pair[0], pair[0], 4) == float("inf")
    assert ssim_y(pair[0], pair[0], 0) == pytest.approx(1)
