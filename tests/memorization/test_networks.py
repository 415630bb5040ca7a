"""The networks against the paper's counts, their parts against TensorFlow's own."""

import numpy as np
import pytest
import tensorflow as tf

from zoo.errors import UserError
from zoo.memorization import networks


def count(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.mark.parametrize(
    ("make", "parameters"),
    [
        (networks.make_inception, 1_649_402),
        (lambda: networks.make_inception(batch_norm=False), 1_649_402),
        (networks.make_alexnet, 1_387_786),
        (networks.make_mlp, 1_209_866),
        (lambda: networks.make_mlp(hidden_layers=3), 1_735_178),
    ],
)
def test_parameters_are_as_many_as_the_papers(make, parameters, noise):
    model = make()
    assert count(model) == parameters
    logits = model(noise.normal(size=(2, 28, 28, 3)).astype(np.float32))
    assert logits.shape == (2, 10)
    assert logits.dtype == tf.float32


def test_inceptions_modules_end_in_the_papers_shapes():
    model = networks.make_inception()
    shapes = [tuple(layer.output_shape[1:]) for layer in model.layers if "concatenate" in layer.name]
    sides, channels = [s[0] for s in shapes], [s[-1] for s in shapes]
    assert sides == [28, 28, 14, 14, 14, 14, 14, 7, 7, 7]
    assert channels == [64, 80, 160, 160, 160, 160, 144, 240, 336, 336]


def test_whitening(noise):
    images = noise.integers(0, 256, (3, 32, 32, 3), np.uint8)
    found = networks.Whiten()(images).numpy()
    middle = images[:, 2:30, 2:30].astype(np.float64)
    expected = middle - middle.mean(axis=(1, 2, 3), keepdims=True)
    expected /= middle.std(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    flat = networks.Whiten()(np.full((1, 32, 32, 3), 7, np.uint8))
    np.testing.assert_allclose(flat, 0, atol=1e-5)
    with pytest.raises(UserError, match="24 x 24 pixels; 28 each way"):
        networks.crop_middle(np.zeros([1, 24, 24, 3]))


def test_local_response_normalization_is_tensorflows_and_has_second_derivatives(noise):
    x = tf.constant(noise.normal(size=(2, 3, 3, 20)), tf.float32)
    settings = {"bias": 1.0, "alpha": 0.02, "beta": 0.75}
    layer = networks.LocalResponseNormalization(4, **settings)
    np.testing.assert_allclose(layer(x), tf.nn.local_response_normalization(x, 4, **settings), atol=1e-6)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            value = tf.reduce_sum(layer(x) ** 2)
        slope = tf.reduce_sum(inner.gradient(value, x) * x)
    assert np.isfinite(outer.gradient(slope, x)).all()
    again = networks.LocalResponseNormalization.from_config(layer.get_config())
    np.testing.assert_array_equal(again(x), layer(x))
