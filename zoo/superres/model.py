"""Super-resolution as a Keras model: network, skip, projection, pixel losses."""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from zoo.errors import UserError
from zoo.superres.config import SuperResolutionConfig
from zoo.superres.networks import SubpixelNetwork
from zoo.superres.projection import AffineProjection, Downsample, Upsample
from zoo.variables import checkpoint_of

LUMA = (
    65.481 / 255,
    128.553 / 255,
    24.966 / 255,
)  # Y of ITU-R 601 as MATLAB's rgb2ycbcr has it, without its 16


@tf.keras.utils.register_keras_serializable(package="toulon")
class SuperResolution(tf.keras.Model):
    """Enlarges pictures by a whole factor, consistently with what is enlarged.

        f = network(x) + A_W⁺ x        the candidate: a linear estimate and what the network adds
        g = f + A⁺ (x - A f)           the projection, if the config has it: A g = x (eq. 7)

    `fit`, `evaluate` and strategies work as with any Keras model; batches are dicts with "image"
    [batch, height, width, C] float32 in [0, 1], the large pictures, and for training "seed" [batch, 2] int64. Small
    pictures are made of them by A, and rounded to 8 bits as those in files are.

    The loss is the distance of g to the large picture; with the projection, a tenth of the distance of f is added, since
    g does not depend on the part of f that the projection replaces, and `strength` below 1 shows it.

    Source: Sønderby et al. 2017, section 3.1; MSE, MAE and AffMSE of its tables.

    Args:
      config: a `SuperResolutionConfig`, or a dict of its values.
      loss: "mse" or "mae".
    """

    ENTRY = "affmse"  # in the registry, for exports under other names
    CANDIDATE_WEIGHT = 0.1

    def __init__(self, config=None, loss="mse", name="super_resolution", **kwargs):
        super().__init__(name=name, autocast=False, **kwargs)  # pictures stay in float32, layers cast
        if isinstance(config, dict):
            config = SuperResolutionConfig(**config)
        self.config = config or SuperResolutionConfig()
        self.pixel_loss = loss
        config = self.config
        self.network = SubpixelNetwork(
            config.num_filters, config.num_blocks, config.scale, config.channels, name="network"
        )
        self.downsample = Downsample(config.scale, config.kernel, name="downsample")
        self.skip = Upsample(config.scale, config.kernel, prior="smooth", name="skip")
        self.projection = AffineProjection(config.scale, config.kernel, name="projection")
        self.trackers = {key: tf.keras.metrics.Mean(name=key) for key in self.metric_names()}
        self.network(tf.zeros([1, 1, 1, config.channels + config.noise_channels]))  # makes the variables

    def metric_names(self):
        """Names of what training and evaluation report: loss; psnr, dB, of luma; consistency, max |A g - x| in levels."""
        return ["loss", "psnr", "consistency"]

    @property
    def metrics(self):
        return list(self.trackers.values())

    def candidate(self, images, noise=None, training=False):
        """f: [batch, h, w, C] float32 -> [batch, s h, s w, C] float32; `noise` [batch, h, w, noise_channels], 0 if None."""
        inputs = images
        if self.config.noise_channels:
            if noise is None:
                shape = tf.concat([tf.shape(images)[:3], [self.config.noise_channels]], 0)
                noise = tf.zeros(shape, images.dtype)
            inputs = tf.concat([images, tf.cast(noise, images.dtype)], axis=-1)
        return self.network(inputs, training=training) + self.skip(images)

    def call(self, images, noise=None, strength=1.0, training=False):
        """Enlarged pictures, [batch, s h, s w, C] float32, not clipped.

        Args:
          images: [batch, h, w, C] float in [0, 1], sizes from 1 x 1 on.
          noise: see `candidate`.
          strength: β of the projection, a number or a tensor that broadcasts to `images`.
        """
        candidate = self.candidate(images, noise, training)
        return self.projection([images, candidate], strength) if self.config.projected else candidate

    def sample(self, images, count, seed=0):
        """Several plausible enlargements, each consistent with the input if the config has the projection.

        Source: Sønderby et al. 2017, appendix F: with noise as a second input, AffGAN is amortised variational inference.

        Args:
          images: [batch, h, w, C] float in [0, 1].
          count: int.
          seed: int, of the first; the next has the next.

        Returns:
          [count, batch, s h, s w, C] float32; all the same if the config has no noise. Pictures of one size and seed have the same noise.
        """
        seeds = tf.range(seed, seed + count)

        def one(own):
            return self(images, self.draw_noise(images, tf.fill([tf.shape(images)[0]], own)))

        return tf.map_fn(one, seeds, fn_output_signature=tf.float32)

    def draw_noise(self, images, seeds):
        """Noise for pictures: [batch, h, w, C], [batch] int32 -> [batch, h, w, noise_channels] float32."""
        shape = [*tf.unstack(tf.shape(images)[1:3]), self.config.noise_channels]
        return tf.map_fn(
            lambda seed: tf.random.stateless_normal(shape, tf.stack([seed, 0])),
            seeds,
            fn_output_signature=tf.float32,
        )

    def start_from(self, plain):
        """Takes the network of a model of the same sizes without noise; noise has no effect at first.

        Args:
          plain: a `SuperResolution`.

        Raises:
          UserError: its sizes are others, or it has noise.
        """
        expected = dataclasses.replace(self.config, noise_channels=0)
        if plain.config != expected:
            raise UserError(
                f"{plain.name} has {plain.config}; to add channels of noise to it, expected {expected}."
            )
        for variable, source in zip(self.network.variables, plain.network.variables, strict=True):
            value = np.zeros(variable.shape, np.float32)
            value[tuple(map(slice, source.shape))] = source.numpy()
            variable.assign(value)

    def degrade(self, images):
        """The small pictures that files would hold: A y, rounded to 8 bits."""
        return tf.round(tf.clip_by_value(self.downsample(images), 0, 1) * 255) / 255

    def train_step(self, batch):
        images = batch["image"]
        small = self.degrade(images)
        with tf.GradientTape() as tape:
            candidate = self.candidate(small, training=True)
            enlarged, loss = candidate, self.distance(candidate, images)
            if self.config.projected:
                enlarged = self.projection([small, candidate])
                loss = self.distance(enlarged, images) + self.CANDIDATE_WEIGHT * loss
            scaled = loss / tf.cast(tf.distribute.get_strategy().num_replicas_in_sync, loss.dtype)
        self.optimizer.minimize(scaled, self.trainable_variables, tape=tape)
        return self.track(images, small, enlarged, loss=loss)

    def drift(self, small, candidate, weight):
        """A term of losses that do not compare with the large picture: `weight` times E |x - A f|.

        With the projection the weight is `CANDIDATE_WEIGHT`, see the class.
        """
        weight = self.CANDIDATE_WEIGHT if self.config.projected else weight
        return weight * tf.reduce_mean(tf.abs(small - self.downsample(candidate)))

    def distance(self, images, references):
        """The pixel loss: mean of |difference| or of its square."""
        error = images - references
        return tf.reduce_mean(tf.square(error) if self.pixel_loss == "mse" else tf.abs(error))

    def test_step(self, batch):
        scale = self.config.scale
        images = batch["image"]
        height, width = tf.unstack(tf.shape(images)[1:3] // scale * scale)
        images = images[:, :height, :width]
        small = self.degrade(images)
        enlarged = self(small)
        values = self.test_values(images, enlarged)
        return self.track(images, small, enlarged, loss=self.distance(enlarged, images), **values)

    def test_values(self, images, enlarged):
        """What evaluation reports beside the rest: dict of name to scalar; of a subclass with metrics of its own."""
        return {}

    def track(self, images, small, enlarged, **values):
        """Updates the metrics: PSNR is of luma in 8 bits without a border of s pixels, as benchmarks have it."""
        border = self.config.scale
        shown = tf.round(tf.clip_by_value(enlarged, 0, 1) * 255) / 255
        error = (shown - images)[:, border:-border, border:-border]
        if self.config.channels == 3:
            error = tf.tensordot(error, tf.constant(LUMA), 1)
        mse = tf.reduce_mean(tf.reshape(error**2, [tf.shape(images)[0], -1]), axis=1)
        values["psnr"] = -10 / math.log(10) * tf.math.log(tf.maximum(mse, 1e-10))
        values["consistency"] = 255 * tf.reduce_max(tf.abs(self.downsample(enlarged) - small))
        for key, value in values.items():
            self.trackers[key].update_state(value)
        return {key: tracker.result() for key, tracker in self.trackers.items()}

    def variables_checkpoint(self):
        """A `tf.train.Checkpoint` of what enlarging needs, without optimizers and metrics."""
        return checkpoint_of(self, ["network"])

    def get_config(self):
        return {"config": dataclasses.asdict(self.config), "loss": self.pixel_loss, "name": self.name}
