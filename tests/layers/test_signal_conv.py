import numpy as np
import pytest
import scipy.signal
import tensorflow as tf
import tensorflow_compression as tfc

from zoo.layers.signal_conv import SignalConv2D, polyphase_kernel

LAYERS = [
    ("down 4", 9, dict(corr=True, strides_down=4)),
    ("down 2", 5, dict(corr=True, strides_down=2)),
    ("up 2", 5, dict(strides_up=2)),
    ("up 4", 9, dict(strides_up=4)),
    ("up 2, not in phases", 7, dict(strides_up=2)),
    ("plain", 3, dict(corr=False)),
]


@pytest.mark.parametrize(("support", "kwargs"), [layer[1:] for layer in LAYERS], ids=[n for n, *_ in LAYERS])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 32), (21, 18)])
def test_outputs_are_the_librarys(support, kwargs, size):
    kwargs = kwargs | {"padding": "same_zeros", "use_bias": True, "bias_initializer": "uniform"}
    theirs, ours = tfc.SignalConv2D(4, support, **kwargs), SignalConv2D(4, support, **kwargs)
    x = tf.random.stateless_normal([2, *size, 3], [1, 2])
    expected, _ = theirs(x), ours(x)
    names = [v.name.split("/")[-1] for v in ours.trainable_variables]
    assert names == [v.name.split("/")[-1] for v in theirs.trainable_variables]
    for mine, yours in zip(ours.trainable_variables, theirs.trainable_variables, strict=True):
        mine.assign(yours)
    np.testing.assert_allclose(ours(x), expected, atol=1e-5)


@pytest.mark.parametrize("stride", [2, 4])
def test_phases_against_scipy(stride, noise):
    support = 2 * stride + 1
    kernel = noise.normal(size=(support, support, 1, 1)).astype(np.float32)
    x = noise.normal(size=(6, 7)).astype(np.float32)
    upsampled = np.zeros((6 * stride, 7 * stride))
    upsampled[::stride, ::stride] = x
    expected = scipy.signal.convolve2d(upsampled, kernel[..., 0, 0], mode="same")
    y = tf.nn.conv2d(x[None, ..., None], polyphase_kernel(tf.constant(kernel), stride), 1, "SAME")
    np.testing.assert_allclose(tf.nn.depth_to_space(y, stride)[0, ..., 0], expected, atol=1e-5)


def test_only_fitting_supports_have_phases():
    with pytest.raises(ValueError, match="needs 9 x 9"):
        polyphase_kernel(tf.zeros([5, 5, 1, 1]), 4)
    assert SignalConv2D(1, 5, strides_up=2, padding="same_zeros").runs_in_phases
    assert not SignalConv2D(1, 7, strides_up=2, padding="same_zeros").runs_in_phases
    assert not SignalConv2D(1, 5, strides_up=2, padding="same_reflect").runs_in_phases


def test_config_makes_the_same_layer():
    layer = SignalConv2D(3, 5, strides_up=2, padding="same_zeros", use_bias=True)
    again = SignalConv2D.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
