"""The networks of Zhang et al. (2017), appendix A, with the paper's numbers of parameters.

Each takes whitened pictures [batch, 28, 28, 3] float32 and gives logits [batch, classes] float32.

The small Inception has as many parameters with batch normalization as without: as in TF-slim, convolutions that are normalized have
no bias, and normalization has a shift and no scale. Channels of the small AlexNet and the constants of its normalization are those
of TensorFlow's tutorial on CIFAR-10, which alone give the paper's count.
"""

import tensorflow as tf

from zoo.errors import UserError

layers = tf.keras.layers
SIDE = 28  # pixels of the pictures, cut from the middle of 32


@tf.keras.utils.register_keras_serializable(package="toulon")
class Whiten(tf.keras.layers.Layer):
    """Cuts the middle out of pictures and gives each mean 0 and deviation 1: [batch, h, w, C] uint8 or float -> float32.

    The deviation is taken as 1/√(numbers) at least, as `tf.image.per_image_standardization` does.

    Args:
      side: int, pixels each way.
    """

    def __init__(self, side=SIDE, **kwargs):
        super().__init__(**kwargs)
        self.side = side

    def call(self, images):
        return tf.image.per_image_standardization(crop_middle(tf.cast(images, tf.float32), self.side))

    def get_config(self):
        return super().get_config() | {"side": self.side}


def crop_middle(images, side=SIDE):
    """The middle of pictures: [batch, h, w, C], h and w `side` or more -> [batch, side, side, C].

    Raises:
      UserError: they are smaller.
    """
    if min(images.shape[1:3]) < side:
        raise UserError(
            f"pictures have {images.shape[2]} x {images.shape[1]} pixels; {side} each way are needed."
        )
    top, left = ((n - side) // 2 for n in images.shape[1:3])
    return images[:, top : top + side, left : left + side]


@tf.keras.utils.register_keras_serializable(package="toulon")
class LocalResponseNormalization(tf.keras.layers.Layer):
    """x / (bias + α Σ x²)^β, the sum over channels at most `radius` away (Krizhevsky et al. 2012).

    Of simple ops: TensorFlow's own has no second derivative.

    Args:
      radius: int.
      bias, alpha, beta: float.
    """

    def __init__(self, radius=4, bias=1.0, alpha=0.001 / 9, beta=0.75, **kwargs):
        super().__init__(**kwargs)
        self.radius, self.bias, self.alpha, self.beta = radius, bias, alpha, beta

    def call(self, x):
        squares = tf.pad(tf.square(x), [[0, 0]] * 3 + [[self.radius + 1, self.radius]])
        sums = tf.cumsum(squares, axis=-1)
        width = 2 * self.radius + 1
        return x * (self.bias + self.alpha * (sums[..., width:] - sums[..., :-width])) ** -self.beta

    def get_config(self):
        own = {"radius": self.radius, "bias": self.bias, "alpha": self.alpha, "beta": self.beta}
        return super().get_config() | own


def make_inception(classes=10, batch_norm=True, momentum=0.99):
    """The small Inception of figure 3: 1,649,402 parameters, with and without batch normalization.

    Args:
      classes: int.
      batch_norm: bool.
      momentum: float, of the normalizations' moving averages; 0.9 for small sets, where 0.99 lags behind.
    """

    def convolution(x, filters, size, strides=1):
        x = layers.Conv2D(filters, size, strides, "same", use_bias=not batch_norm)(x)
        if batch_norm:
            x = layers.BatchNormalization(momentum=momentum, scale=False)(x)
        return layers.ReLU()(x)

    def inception(x, filters_1, filters_3):
        return layers.Concatenate()([convolution(x, filters_1, 1), convolution(x, filters_3, 3)])

    def downsample(x, filters):
        return layers.Concatenate()([convolution(x, filters, 3, 2), layers.MaxPool2D(3, 2, "same")(x)])

    inputs = tf.keras.Input([SIDE, SIDE, 3])
    x = convolution(inputs, 96, 3)
    for filters in ((32, 32), (32, 48)):
        x = inception(x, *filters)
    x = downsample(x, 80)
    for filters in ((112, 48), (96, 64), (80, 80), (48, 96)):
        x = inception(x, *filters)
    x = downsample(x, 96)
    for filters in ((176, 160), (176, 160)):
        x = inception(x, *filters)
    outputs = layers.Dense(classes, dtype="float32")(layers.GlobalAveragePooling2D()(x))
    return tf.keras.Model(inputs, outputs, name="inception")


def make_alexnet(classes=10):
    """The small AlexNet, two convolutions of 5 x 5 and three dense layers: 1,387,786 parameters."""
    inputs = x = tf.keras.Input([SIDE, SIDE, 3])
    for _ in range(2):
        x = layers.Conv2D(64, 5, padding="same", activation="relu")(x)
        x = LocalResponseNormalization()(layers.MaxPool2D(3, 2, "same")(x))
    x = layers.Flatten()(x)
    for units in (384, 192):
        x = layers.Dense(units, "relu")(x)
    return tf.keras.Model(inputs, layers.Dense(classes, dtype="float32")(x), name="alexnet")


def make_mlp(classes=10, hidden_layers=1, width=512):
    """A network of dense layers: 1,209,866 parameters with one hidden layer, 1,735,178 with three."""
    inputs = tf.keras.Input([SIDE, SIDE, 3])
    x = layers.Flatten()(inputs)
    for _ in range(hidden_layers):
        x = layers.Dense(width, "relu")(x)
    return tf.keras.Model(inputs, layers.Dense(classes, dtype="float32")(x), name="mlp")
