"""The denoiser that guides AffDG: what it takes away from a picture is the gradient of the pictures' log density."""

import dataclasses

import tensorflow as tf

from zoo.random import normal_per_example
from zoo.superres.guide import Guide
from zoo.superres.networks import SubpixelNetwork


@dataclasses.dataclass(frozen=True)
class DenoiserConfig:
    """A residual network at full size.

    Attributes:
      deviation: σ of the noise it takes away, of pictures in [0, 1].
      num_filters, num_blocks, channels: as in `SuperResolutionConfig`.
    """

    deviation: float = 0.1
    num_filters: int = 32
    num_blocks: int = 4
    channels: int = 3


@tf.keras.utils.register_keras_serializable(package="toulon")
class Denoiser(Guide):
    """The best estimate of y given y + σ ε, ε standard normal.

    Of the best one, (f(y) - y) / σ² is the gradient of the log density of pictures blurred by σ (eq. 12).

    The training loss is the mean squared error. Called with noisy pictures [batch, height, width, C], gives clean ones,
    float32.

    Source: Sønderby et al. 2017, section 3.3; Alain & Bengio 2014.

    Args:
      config: a `DenoiserConfig`, or a dict of its values.
    """

    CONFIG = DenoiserConfig
    PARTS = ("network",)

    def __init__(self, config=None, name="denoiser", **kwargs):
        super().__init__(config, name=name, **kwargs)
        config = self.config
        self.network = SubpixelNetwork(
            config.num_filters, config.num_blocks, 1, config.channels, name="network"
        )
        self.network(tf.zeros([1, 1, 1, config.channels]))  # makes the variables

    def call(self, images, training=False):
        return images + self.network(images, training=training)

    def score(self, images):
        """The gradient of log p at pictures [batch, height, width, C], per unit of [0, 1]: like `images` (eq. 12)."""
        return (self(images) - images) / self.config.deviation**2

    def guidance(self, images):
        """A loss whose gradient by pictures is minus the score, as eq. (11) takes it; see `Guide`."""
        score = tf.stop_gradient(self.score(images))
        return -tf.reduce_mean(score * images)

    def training_loss(self, images, seeds):
        noise = self.config.deviation * normal_per_example(seeds, tf.shape(images)[1:])
        return tf.reduce_mean((self(images + noise, training=True) - images) ** 2)
