"""The density model that guides AffLL: pixel by pixel, each a mixture of conditional Gaussian scale mixtures."""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from zoo.random import uniform_per_example
from zoo.superres.guide import Guide


@dataclasses.dataclass(frozen=True)
class DensityConfig:
    """A small PixelCNN with a continuous likelihood.

    Attributes:
      num_filters: channels of its layers, a multiple of `channels`.
      num_layers: masked 3 x 3 convolutions after the first, 7 x 7.
      components, scales: K means, and S standard deviations to each.
      channels: 3 for colour, 1 for grey.
    """

    num_filters: int = 48
    num_layers: int = 4
    components: int = 4
    scales: int = 3
    channels: int = 3


@tf.keras.utils.register_keras_serializable(package="toulon")
class MaskedConv2D(tf.keras.layers.Conv2D):
    """A convolution that sees what comes before a pixel only, in raster order, and of it the channels that come before.

    Inputs and outputs are divided into `groups_` equal groups of channels, those of red, green and blue.

    Source: van den Oord et al. 2016, "Pixel Recurrent Neural Networks", section 3.4.

    Args:
      filters, kernel_size: see `tf.keras.layers.Conv2D`; the size is odd.
      groups_: int.
      sees_itself: bool, mask "B": whether group k sees group k of its own pixel, not only those before (mask "A").
    """

    def __init__(self, filters, kernel_size, groups_, sees_itself, **kwargs):
        super().__init__(filters, kernel_size, padding="same", **kwargs)
        self.groups_, self.sees_itself = groups_, sees_itself

    def build(self, input_shape):
        super().build(input_shape)
        height, width, inputs, outputs = self.kernel.shape
        mask = np.zeros(self.kernel.shape, np.float32)
        mask[: height // 2] = 1
        mask[height // 2, : width // 2] = 1
        before = np.arange(inputs)[:, np.newaxis] * self.groups_ // inputs
        now = np.arange(outputs) * self.groups_ // outputs
        mask[height // 2, width // 2] = before <= now if self.sees_itself else before < now
        self._mask = mask

    def convolution_op(self, inputs, kernel):
        return super().convolution_op(inputs, kernel * tf.cast(self._mask, kernel.dtype))

    def get_config(self):
        config = super().get_config() | {"groups_": self.groups_, "sees_itself": self.sees_itself}
        del config["padding"]
        return config


@tf.keras.utils.register_keras_serializable(package="toulon")
class PixelDensity(Guide):
    """log p(y) of pictures, differentiable, as a product over pixels and channels in raster order.

        p(v | c) = Σ_k Σ_s w_ks(c) N(v; μ_k(c), σ_ks(c)²)

    with c what comes before v, seen by masked convolutions. Pictures of 8 bits are dequantized by uniform noise of a level
    in training.

    The training loss is -log p in nats per channel of a pixel. Called with pictures [batch, height, width, C], gives log p
    of each, [batch] float32, nats.

    Source: Sønderby et al. 2017, section 3.4; the likelihood is that of Theis, Hosseini & Bethge 2012.

    Args:
      config: a `DensityConfig`, or a dict of its values.
    """

    CONFIG = DensityConfig
    PARTS = ("first", "layers_", "head")

    def __init__(self, config=None, name="density", **kwargs):
        super().__init__(config, name=name, **kwargs)
        config = self.config
        groups = config.channels
        self.first = MaskedConv2D(config.num_filters, 7, groups, False, name="first")
        self.layers_ = [
            MaskedConv2D(config.num_filters, 3, groups, True, name=f"conv_{i}")
            for i in range(config.num_layers)
        ]
        outputs = groups * config.components * (1 + 2 * config.scales)
        self.head = MaskedConv2D(outputs, 1, groups, True, name="head", dtype="float32")
        self.log_density(tf.zeros([1, 8, 8, groups]))  # makes the variables

    def log_density(self, images):
        """Log p of each channel of each pixel given what comes before: like `images`, nats."""
        features = self.first(images - 0.5)
        for layer in self.layers_:
            features = features + layer(tf.nn.relu(features))
        outputs = tf.cast(self.head(tf.nn.relu(features)), tf.float32)
        components, scales = self.config.components, self.config.scales
        shape = tf.concat([tf.shape(images), [components, 1 + 2 * scales]], 0)
        outputs = tf.reshape(outputs, shape)  # [B, H, W, C, K, 1 + 2 S]
        means = 0.5 + outputs[..., :1]
        spread = np.linspace(-1, 1, scales) * 1.5 if scales > 1 else np.zeros(1)
        log_scales = tf.maximum(outputs[..., 1 : 1 + scales] + (spread - 2.5).astype(np.float32), -7.0)
        logits = outputs[..., 1 + scales :]
        log_weights = logits - tf.reduce_logsumexp(logits, axis=[-2, -1], keepdims=True)
        values = (images[..., tf.newaxis, tf.newaxis] - means) * tf.exp(-log_scales)
        log_normal = -0.5 * values**2 - log_scales - 0.5 * math.log(2 * math.pi)
        return tf.reduce_logsumexp(log_weights + log_normal, axis=[-2, -1])

    def call(self, images, training=False):
        return tf.reduce_sum(self.log_density(images), axis=[1, 2, 3])

    def guidance(self, images):
        """-log p, the loss of AffLL; see `Guide`."""
        return -tf.reduce_mean(self.log_density(images))

    def training_loss(self, images, seeds):
        return self.guidance(images + uniform_per_example(seeds, tf.shape(images)[1:], -0.5, 0.5) / 255)
