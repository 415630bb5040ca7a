import numpy as np
import pytest
import tensorflow as tf

from tests.superres import oracle
from zoo.errors import UserError
from zoo.superres.kernels import KERNELS, SCALES, downsampling_kernel, upsampling_kernel
from zoo.superres.projection import AffineProjection, Downsample, Upsample

EVERY = [(kernel, scale) for kernel in KERNELS for scale in SCALES]


def small_pictures(noise):
    """Whatever a projection must cope with: sizes from one pixel on, extremes, batches, grey and colour."""
    return {
        "random": noise.random([2, 24, 17, 3]),
        "binary": noise.integers(0, 2, [1, 13, 31, 1]).astype(float),
        "checkerboard": np.indices([12, 12]).sum(0)[None, ..., None] % 2.0,
        "constant": np.full([1, 9, 9, 3], 0.7),
        "one pixel": noise.random([3, 1, 1, 3]),
        "one row": noise.random([1, 1, 40, 3]),
        "one column": noise.random([1, 5, 1, 1]),
        "smallest without repetition": noise.random([1, 4, 4, 3]),
    }


@pytest.mark.parametrize(("kernel", "scale"), EVERY)
def test_downsampling_is_the_matrix(kernel, scale, noise):
    for height, width in [(5, 9), (1, 3), (2, 1)]:
        large = noise.random([2, scale * height, scale * width, 3])
        ours = Downsample(scale, kernel)(large.astype(np.float32))
        np.testing.assert_allclose(ours, oracle.downsample(large, kernel, scale), atol=5e-7)


def test_bicubic_is_tensorflows_in_the_interior(noise):
    large = noise.random([1, 96, 72, 3]).astype(np.float32)
    theirs = tf.image.resize(large, [24, 18], "bicubic", antialias=True)
    difference = np.abs(Downsample()(large) - theirs)[:, 2:-2, 2:-2]
    assert 255 * difference.max() < 1e-3


@pytest.mark.parametrize(("kernel", "scale"), EVERY)
def test_consistency(kernel, scale, noise):
    layer = AffineProjection(scale, kernel)
    for name, small in small_pictures(noise).items():
        batch, height, width, channels = small.shape
        candidate = noise.random([batch, scale * height, scale * width, channels])
        result = layer([small.astype(np.float32), candidate.astype(np.float32)]).numpy()
        # both by the layer and, in float64, by the matrices
        for back in (layer.downsample(result), oracle.downsample(result.astype(float), kernel, scale)):
            assert np.abs(back - small).max() <= 1e-6, name


@pytest.mark.parametrize("prior", ["none", "smooth"])
@pytest.mark.parametrize(("kernel", "scale"), EVERY)
def test_upsampling_is_a_right_inverse_that_keeps_what_is_flat(kernel, scale, prior, noise):
    upsample, downsample = Upsample(scale, kernel, prior), Downsample(scale, kernel)
    for name, small in small_pictures(noise).items():
        assert np.abs(downsample(upsample(small.astype(np.float32))) - small).max() <= 1e-6, name
    flat = upsample(np.full([1, 7, 6, 1], 0.3, np.float32))
    np.testing.assert_allclose(flat, np.full([1, 7 * scale, 6 * scale, 1], 0.3), atol=1e-6)


@pytest.mark.parametrize("scale", [3, 4, 8])
def test_upsampling_is_nearly_moore_penrose(scale, noise):
    small = noise.random([1, 16, 11, 1])
    exact = oracle.pseudo_inverse(small, "bicubic", scale)
    ours = Upsample(scale)(small.astype(np.float32)).numpy()
    assert np.linalg.norm(ours - exact) < 0.03 * np.linalg.norm(exact - 0.5)


def test_more_taps_come_nearer_to_moore_penrose():
    impulse = np.zeros([1, 21, 1, 1])
    impulse[0, 10] = 1
    exact = oracle.pseudo_inverse(impulse, "bicubic", 4)[0, :, 0, 0]
    distances = []
    for taps in (16, 32, 48):
        kernel = upsampling_kernel("bicubic", 4, "none", taps)
        padded = np.zeros(84)
        start = 42 - taps // 2
        padded[start : start + taps] = kernel
        distances.append(np.linalg.norm(padded - exact / exact.sum() * 4) / np.linalg.norm(padded))
    assert distances[0] > distances[1] > distances[2]
    assert distances[2] < 0.01


def test_projection_is_idempotent_and_keeps_the_null_space(noise):
    layer = AffineProjection()
    small, candidate = noise.random([2, 11, 8, 3]), noise.random([2, 44, 32, 3])
    once = layer([small.astype(np.float32), candidate.astype(np.float32)])
    assert np.abs(layer([small.astype(np.float32), once]) - once).max() < 2e-6
    # Eq. (7) as it is printed, (I - A⁺A) f + A⁺ x, with another A.

    def lift(images):
        return layer.upsample(images.astype(np.float32))

    expected = candidate - lift(oracle.downsample(candidate, "bicubic", 4)) + lift(small)
    np.testing.assert_allclose(once, expected, atol=3e-6)


def test_strength(noise):
    layer = AffineProjection()
    small = noise.random([2, 6, 5, 3]).astype(np.float32)
    candidate = noise.random([2, 24, 20, 3]).astype(np.float32)
    np.testing.assert_array_equal(layer([small, candidate], 0.0), candidate)
    error = small - layer.downsample(candidate)
    per_picture = np.array([1.0, 0.25], np.float32).reshape(2, 1, 1, 1)
    left = small - layer.downsample(layer([small, candidate], per_picture))
    np.testing.assert_allclose(left, (1 - per_picture) * error, atol=1e-6)


def test_float32_whatever_the_policy(noise):
    tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        layer = AffineProjection()
        small = noise.random([1, 9, 9, 3]).astype(np.float32)
        result = layer([small, tf.cast(noise.random([1, 36, 36, 3]), tf.bfloat16)])
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    assert result.dtype == tf.float32
    assert np.abs(layer.downsample(result) - small).max() <= 1e-6


def test_gradient_is_the_transpose(noise):
    layer = AffineProjection()
    small = tf.constant(noise.random([1, 5, 6, 1]), tf.float32)
    candidate = tf.constant(noise.random([1, 20, 24, 1]), tf.float32)
    direction = tf.constant(noise.random([1, 20, 24, 1]), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(candidate)
        value = tf.reduce_sum(direction * layer([small, candidate]))
    change = tf.constant(noise.random([1, 20, 24, 1]), tf.float32)
    linear = layer([0 * small, change])
    expected = tf.reduce_sum(direction * linear)
    np.testing.assert_allclose(tf.reduce_sum(tape.gradient(value, candidate) * change), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("layer", "inputs", "complaint"),
    [
        (Downsample(), np.zeros([1, 8, 8, 3], np.uint8), "float dtype; given uint8"),
        (Downsample(), np.zeros([8, 8, 3], np.float32), "given float32 (8, 8, 3)"),
        (Downsample(), np.zeros([1, 8, 9, 3], np.float32), "multiples of 4"),
        (Upsample(), np.zeros([8, 8], np.float32), "given float32 (8, 8)"),
        (AffineProjection(), [np.zeros([1, 2, 2, 3], "f"), np.zeros([1, 8, 12, 3], "f")], "4 times as large"),
        (AffineProjection(), [np.zeros([1, 2, 2, 3], "f"), np.zeros([1, 8, 8, 1], "f")], "4 times as large"),
    ],
)
def test_wrong_inputs(layer, inputs, complaint):
    with pytest.raises(ValueError, match="takes") as caught:
        layer(inputs)
    assert complaint in str(caught.value)


def test_unknown_factors_and_kernels():
    with pytest.raises(UserError, match="factor 5 is not supported; there are 2, 3, 4, 6, 8"):
        AffineProjection(5)
    with pytest.raises(UserError, match="kernel 'lanczos' is not known; there are bicubic"):
        Upsample(4, "lanczos")
    with pytest.raises(UserError, match="no inverse of 4 taps"):
        upsampling_kernel("bicubic", 4, "none", 4)


def test_configs_make_the_same_layers():
    for layer in (Downsample(3, "box"), Upsample(8, "gaussian", "smooth"), AffineProjection(2)):
        again = type(layer).from_config(layer.get_config())
        assert again.get_config() == layer.get_config()


@pytest.mark.parametrize(("kernel", "scale"), EVERY)
def test_kernels_are_symmetric_and_even_with_the_factor(kernel, scale):
    for taps in (downsampling_kernel(kernel, scale), upsampling_kernel(kernel, scale)):
        np.testing.assert_allclose(taps, taps[::-1], atol=1e-15)
        assert (len(taps) - scale) % 2 == 0
    assert downsampling_kernel(kernel, scale).sum() == pytest.approx(1)
