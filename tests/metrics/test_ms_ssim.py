import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf
from scipy.ndimage import gaussian_filter
from scipy.signal import convolve2d

from zoo.metrics import ms_ssim_graph
from zoo.metrics.ms_ssim import MIN_SIDE, ms_ssim, ms_ssim_db


def reference_ms_ssim(a, b):
    """Wang, Simoncelli & Bovik 2003 written out for one channel at a time; odd sides halve as TensorFlow's do."""
    x = np.arange(11) - 5
    window = np.exp(-(x**2) / (2 * 1.5**2))
    window = np.outer(window, window) / window.sum() ** 2

    def blur(z):
        return convolve2d(z, window, mode="valid")

    def halve(z):
        z = np.pad(z, [(0, n % 2) for n in z.shape], mode="symmetric")
        return (z[::2, ::2] + z[1::2, ::2] + z[::2, 1::2] + z[1::2, 1::2]) / 4

    values = []
    for channel in range(3):
        p, q = (z[..., channel].astype(np.float64) / 255 for z in (a, b))
        product = 1.0
        for scale, weight in enumerate([0.0448, 0.2856, 0.3001, 0.2363, 0.1333]):
            if scale:
                p, q = halve(p), halve(q)
            mean_p, mean_q = blur(p), blur(q)
            var_p, var_q = blur(p * p) - mean_p**2, blur(q * q) - mean_q**2
            structure = (2 * (blur(p * q) - mean_p * mean_q) + 0.03**2) / (var_p + var_q + 0.03**2)
            luminance = (2 * mean_p * mean_q + 0.01**2) / (mean_p**2 + mean_q**2 + 0.01**2)
            term = (structure * luminance).mean() if scale == 4 else structure.mean()
            product *= max(term, 0) ** weight
        values.append(product)
    return np.mean(values)


def picture(height, width):
    noise = np.random.default_rng(1).normal(size=(height, width, 3))
    smooth = gaussian_filter(noise, (6, 6, 0))
    return (255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)


@pytest.mark.parametrize("size", [(176, 208), (181, 243), (MIN_SIDE, MIN_SIDE)])
@pytest.mark.parametrize("noise", [4, 40])
def test_as_written_out_in_numpy(size, noise):
    image = picture(*size)
    rng = np.random.default_rng(2)
    damaged = np.clip(image + rng.normal(scale=noise, size=image.shape), 0, 255).astype(np.uint8)
    assert ms_ssim(damaged, image) == pytest.approx(reference_ms_ssim(damaged, image), abs=4e-6)


def test_gradient_is_that_of_tensorflow():
    images = tf.constant(np.stack([picture(176, 185), picture(176, 185)[::-1]]), tf.float32) / 255
    noisy = tf.clip_by_value(images + tf.random.stateless_normal(images.shape, [1, 2], stddev=0.1), 0, 1)
    gradients = []
    for function in (ms_ssim_graph.ms_ssim, lambda a, b: tf.image.ssim_multiscale(a, b, 1.0)):
        with tf.GradientTape() as tape:
            tape.watch(noisy)
            similarity = function(images, noisy)
        gradients.append(tape.gradient(similarity, noisy).numpy())
    scale = np.abs(gradients[1]).max()
    np.testing.assert_allclose(gradients[0] / scale, gradients[1] / scale, atol=1e-4)


def test_gradient_is_finite_where_structures_are_opposite():
    image = tf.constant(picture(176, 176)[np.newaxis], tf.float32) / 255
    with tf.GradientTape() as tape:
        tape.watch(image)
        similarity = ms_ssim_graph.ms_ssim(image, 1 - tf.stop_gradient(image))
    assert float(similarity[0]) == 0
    assert np.isfinite(tape.gradient(similarity, image)).all()


def test_windows_to_the_border_are_scipys(noise):
    image = noise.random([1, 96, 83, 3])
    image = scipy.ndimage.gaussian_filter(image, [0, 2, 2, 0])
    noisy = np.clip(image + 0.02 * noise.normal(size=image.shape), 0, 1)

    def blur(x):
        return scipy.ndimage.gaussian_filter(x, 1.5, mode="reflect", radius=5, axes=(0, 1))

    product, pair = np.ones(3), [image[0], noisy[0]]
    for scale, weight in enumerate(ms_ssim_graph.WEIGHTS):
        if scale:
            odd = [(0, side % 2) for side in pair[0].shape[:2]]
            pair = [np.pad(x, [*odd, (0, 0)], "symmetric") for x in pair]
            pair = [(x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2]) / 4 for x in pair]
        p, q = pair
        covariance = blur(p * q) - blur(p) * blur(q)
        spread = blur(p * p) - blur(p) ** 2 + blur(q * q) - blur(q) ** 2
        similarity = (2 * covariance + 0.03**2) / (spread + 0.03**2)
        if scale == 4:
            similarity *= (2 * blur(p) * blur(q) + 0.01**2) / (blur(p) ** 2 + blur(q) ** 2 + 0.01**2)
        product *= similarity.mean(axis=(0, 1)) ** weight
    ours = ms_ssim_graph.ms_ssim_to_the_border(image.astype(np.float32), noisy.astype(np.float32))
    assert float(ours[0]) == pytest.approx(product.mean(), abs=1e-5)


def test_equal_pictures():
    image = picture(176, 176)
    assert ms_ssim(image, image) == pytest.approx(1.0, abs=1e-6)


def test_too_small_is_said():
    image = picture(200, MIN_SIDE - 1)
    with pytest.raises(ValueError, match=r"160x200 pixels.*need 161"):
        ms_ssim(image, image)


def test_other_mistakes():
    image = picture(176, 176)
    with pytest.raises(ValueError, match="uint8"):
        ms_ssim(image / 255, image / 255)
    with pytest.raises(ValueError, match="uint8"):
        ms_ssim(image[..., 0], image[..., 0])
    with pytest.raises(ValueError, match="equal shapes"):
        ms_ssim(image, picture(176, 192))


def test_decibels():
    assert ms_ssim_db(0.9) == pytest.approx(10)
    assert ms_ssim_db([0.99, 0.999]) == pytest.approx([20, 30])
    assert ms_ssim_db(1.0) == float("inf")
