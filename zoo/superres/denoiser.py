"""The denoiser that guides AffDG: what it takes away from a picture is the gradient of the pictures' log density."""

import dataclasses
import math

import tensorflow as tf

from zoo.random import normal_per_example
from zoo.superres.networks import SubpixelNetwork
from zoo.variables import checkpoint_of


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
class Denoiser(tf.keras.Model):
    """The best estimate of y given y + σ ε, ε standard normal.

    Of the best one, (f(y) - y) / σ² is the gradient of the log density of pictures blurred by σ (eq. 12).

    Batches are dicts with "image" [batch, height, width, C] float32 in [0, 1] and "seed" [batch, 2] int64; the loss is the
    mean squared error. Called with noisy pictures, gives clean ones, float32.

    Source: Sønderby et al. 2017, section 3.3; Alain & Bengio 2014.

    Args:
      config: a `DenoiserConfig`, or a dict of its values.
    """

    def __init__(self, config=None, name="denoiser", **kwargs):
        super().__init__(name=name, autocast=False, **kwargs)  # pictures stay in float32, layers cast
        if isinstance(config, dict):
            config = DenoiserConfig(**config)
        self.config = config = config or DenoiserConfig()
        self.network = SubpixelNetwork(
            config.num_filters, config.num_blocks, 1, config.channels, name="network"
        )
        self.trackers = {key: tf.keras.metrics.Mean(name=key) for key in ("loss", "psnr")}
        self.network(tf.zeros([1, 1, 1, config.channels]))  # makes the variables

    @property
    def metrics(self):
        return list(self.trackers.values())

    def call(self, images, training=False):
        return images + self.network(images, training=training)

    def score(self, images):
        """The gradient of log p at pictures [batch, height, width, C], per unit of [0, 1]: like `images`."""
        return (self(images) - images) / self.config.deviation**2

    def guidance(self, images):
        """A loss whose gradient by pictures is minus the score, see eq. (11): [batch, …] -> scalar, nats per pixel."""
        score = tf.stop_gradient(self.score(images))
        return -tf.reduce_mean(score * images)

    def train_step(self, batch):
        noisy = self._noisy(batch["image"], batch["seed"])
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self(noisy, training=True) - batch["image"]) ** 2)
            scaled = loss / tf.cast(tf.distribute.get_strategy().num_replicas_in_sync, loss.dtype)
        self.optimizer.minimize(scaled, self.trainable_variables, tape=tape)
        return self._track(loss)

    def test_step(self, batch):
        images = batch["image"]
        seeds = tf.zeros([tf.shape(images)[0], 2], tf.int64)
        return self._track(tf.reduce_mean((self(self._noisy(images, seeds)) - images) ** 2))

    def _noisy(self, images, seeds):
        return images + self.config.deviation * normal_per_example(seeds, tf.shape(images)[1:])

    def _track(self, loss):
        self.trackers["loss"].update_state(loss)
        self.trackers["psnr"].update_state(-10 / math.log(10) * tf.math.log(loss))
        return {key: tracker.result() for key, tracker in self.trackers.items()}

    def variables_checkpoint(self):
        """A `tf.train.Checkpoint` of the network, without optimizer and metrics."""
        return checkpoint_of(self, ["network"])

    def get_config(self):
        return {"config": dataclasses.asdict(self.config), "name": self.name}
