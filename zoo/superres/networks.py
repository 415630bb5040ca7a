"""The networks: the generator that enlarges, the discriminator of AffGAN, the denoiser of AffDG."""

import tensorflow as tf


def _conv(filters, size, **kwargs):
    return tf.keras.layers.Conv2D(filters, size, padding="same", **kwargs)


@tf.keras.utils.register_keras_serializable(package="toulon")
class ResidualBlock(tf.keras.layers.Layer):
    """x + conv(relu(conv(x))), 3 x 3; inputs and outputs [batch, h, w, filters]."""

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.expand = _conv(filters, 3, activation="relu", name="expand")
        self.contract = _conv(filters, 3, name="contract")

    def call(self, inputs):
        return inputs + self.contract(self.expand(inputs))

    def get_config(self):
        return super().get_config() | {"filters": self.filters}


@tf.keras.utils.register_keras_serializable(package="toulon")
class SubpixelNetwork(tf.keras.layers.Layer):
    """A residual network at the size of its input, whose last layer makes s x s pixels of each.

        x - 1/2 -> 5x5 -> num_blocks residual blocks, and a skip around them -> 3x3 -> pixels from channels

    Inputs [batch, h, w, channels], about [0, 1]; outputs [batch, s h, s w, out_channels] float32, 0 when untrained.

    Source: Shi et al. 2016 (sub-pixel convolution), which Sønderby et al. 2017, section 4, build on; sizes are ours.
    """

    def __init__(self, num_filters, num_blocks, scale, out_channels=3, **kwargs):
        super().__init__(**kwargs)
        self.num_filters, self.num_blocks, self.scale, self.out_channels = (
            num_filters, num_blocks, scale, out_channels,
        )  # fmt: skip
        self.center = tf.keras.layers.Rescaling(1, -0.5, name="center")  # so that zeros around are grey
        self.first = _conv(num_filters, 5, name="first")
        self.blocks = [ResidualBlock(num_filters, name=f"block_{i}") for i in range(num_blocks)]
        self.last = _conv(scale**2 * out_channels, 3, kernel_initializer="zeros", name="last")

    def call(self, inputs):
        first = features = self.first(self.center(inputs))
        for block in self.blocks:
            features = block(features)
        outputs = tf.cast(self.last(first + features), tf.float32)  # [B, h, w, s² C]
        return tf.nn.depth_to_space(outputs, self.scale) if self.scale > 1 else outputs

    @property
    def reach(self):
        """How far a result looks, in pixels of the input: that of a whole tile is exact beyond this margin."""
        return 2 + 2 * self.num_blocks + 1

    def get_config(self):
        own = ("num_filters", "num_blocks", "scale", "out_channels")
        return super().get_config() | {name: getattr(self, name) for name in own}


@tf.keras.utils.register_keras_serializable(package="toulon")
class Discriminator(tf.keras.layers.Layer):
    """Tells real pictures from generated ones, a logit for each neighbourhood of some 50 pixels.

    Inputs [batch, height, width, C], about [0, 1], of any size from 8 pixels on; outputs [batch, height / 8, width / 8, 1]
    float32, estimates of log p/q. No batch normalization: the discriminator must be a function of one picture.
    """

    def __init__(self, num_filters=48, **kwargs):
        super().__init__(**kwargs)
        self.num_filters = num_filters
        self.center = tf.keras.layers.Rescaling(2, -1, name="center")
        self.layers = [_conv(num_filters, 3, name="conv_0")]
        for i in range(1, 4):
            filters = num_filters * min(2**i, 4)
            self.layers += [
                _conv(filters, 4, strides=2, name=f"down_{i}"),
                _conv(filters, 3, name=f"conv_{i}"),
            ]
        self.last = _conv(1, 1, dtype="float32", name="last")

    def call(self, inputs):
        features = self.center(inputs)
        for layer in self.layers:
            features = tf.nn.leaky_relu(layer(features), 0.2)
        return self.last(features)

    def get_config(self):
        return super().get_config() | {"num_filters": self.num_filters}
