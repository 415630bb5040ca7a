import numpy as np
import pytest
import scipy.signal
import tensorflow as tf

from zoo.codec.config import BLS2017Config
from zoo.codec.networks import AnalysisTransform, SynthesisTransform

CONFIG = BLS2017Config(num_filters=4)


def randomize(transform):
    """Moves every variable off its initial value, so that no term of a formula is zero."""
    for i, variable in enumerate(transform.trainable_variables):
        variable.assign_add(0.1 * tf.random.stateless_uniform(variable.shape, [i, 0]))


def gdn(x, layer, inverse):
    """x / sqrt(beta + sum_j gamma_ij x_j²) or its inverse, in NumPy; gamma is stored [j, i]."""
    norm = np.sqrt(layer.beta.numpy() + np.square(x) @ layer.gamma.numpy())
    return x * norm if inverse else x / norm


def convolve(x, kernel, flip):
    """Sum over input channels of 2-D convolutions (`flip`) or correlations, zeros outside."""
    mode = scipy.signal.convolve2d if flip else scipy.signal.correlate2d
    outputs = [
        sum(mode(x[..., i], kernel[..., i, o], mode="same") for i in range(x.shape[-1]))
        for o in range(kernel.shape[-1])
    ]
    return np.stack(outputs, -1)


def test_analysis_is_the_papers(noise):
    transform = AnalysisTransform(CONFIG)
    picture = noise.uniform(size=(32, 48, 3))
    transform(tf.constant(picture[None], tf.float32))
    randomize(transform)
    x = (picture - 0.5) * 4
    for layer, stride in zip(transform.layers[1:], (4, 2, 2), strict=True):
        x = convolve(x, layer.kernel.numpy(), flip=False)[::stride, ::stride] + layer.bias.numpy()
        x = gdn(x, layer.activation, inverse=False)
    assert x.shape == (2, 3, 4)
    np.testing.assert_allclose(transform(tf.constant(picture[None], tf.float32))[0], x, atol=1e-4)


def test_synthesis_is_the_papers(noise):
    transform = SynthesisTransform(CONFIG)
    latents = noise.normal(size=(2, 3, 4))
    transform(tf.constant(latents[None], tf.float32))
    randomize(transform)
    first, *convolutions, _ = transform.layers
    x = gdn(latents, first, inverse=True)
    for layer, stride in zip(convolutions, (2, 2, 4), strict=True):
        upsampled = np.zeros((x.shape[0] * stride, x.shape[1] * stride, x.shape[2]))
        upsampled[::stride, ::stride] = x
        x = convolve(upsampled, layer.kernel.numpy(), flip=True) + layer.bias.numpy()
        x = x if stride == 4 else gdn(x, layer.activation, inverse=True)
    assert x.shape == (32, 48, 3)
    np.testing.assert_allclose(
        transform(tf.constant(latents[None], tf.float32))[0], x / 4 + 0.5, atol=1e-4, rtol=1e-4
    )


def test_the_librarys_variant_has_two_normalizations_a_transform():
    config = BLS2017Config(num_filters=4, gdn_alpha=1, gdn_epsilon=1, bottleneck_gdn=False)
    analysis, synthesis = AnalysisTransform(config), SynthesisTransform(config)
    synthesis(analysis(tf.zeros([1, 16, 16, 3])))
    # Three convolutions of two kernel variables each, biases but for the bottleneck's, two GDNs of two.
    assert len(analysis.trainable_variables) == 3 * 2 + 2 + 2 * 2
    assert len(synthesis.trainable_variables) == 3 * 2 + 3 + 2 * 2


def test_parameters_as_published_for_the_librarys_network():
    # bls2017.py with 128 filters has 2,105,353 parameters, 128 * (3 + 9 + 3 + 3 * 3 + 2 * 3 + 1) = 128 * 58 - … of
    # them in the prior; 2 * (128 + 128²) more with the paper's outer pair of GDN, and its bias.
    config = BLS2017Config(num_filters=128, bottleneck_gdn=False)
    analysis, synthesis = AnalysisTransform(config), SynthesisTransform(config)
    synthesis(analysis(tf.zeros([1, 16, 16, 3])))
    prior = 128 * (3 + 9 + 3 + 3 + 3 + 1 + 3 + 3)
    variables = analysis.trainable_variables + synthesis.trainable_variables
    assert sum(int(tf.size(v)) for v in variables) + prior == pytest.approx(2_105_353, abs=128)
