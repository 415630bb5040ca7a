"""The codec as a Keras model: transforms, density model, rate–distortion loss, tables of the entropy coder."""

import hashlib
import math

import numpy as np
import tensorflow as tf
import tensorflow_compression as tfc

from zoo.codec.config import TOTAL_STRIDE, BLS2017Config
from zoo.codec.distortions import DISTORTIONS, mean_squared_error
from zoo.codec.networks import AnalysisTransform, SynthesisTransform
from zoo.coding.tables import PRECISION
from zoo.errors import UserError
from zoo.images.graph import pad_to_multiple
from zoo.random import uniform_per_example
from zoo.variables import checkpoint_of


class BLS2017(tf.keras.Model):
    """End-to-end optimized image codec.

        x -> analysis -> y -> round -> ŷ -> synthesis -> x̂
                              |
                         entropy coder, with tables made of the prior

    In training, rounding becomes uniform noise, ỹ = y + u, u in [-1/2, 1/2), and the loss is the rate of ỹ
    under the prior plus λ times the distortion of x̂:

        L = E[-log2 p(ỹ)] / pixels + λ · E[d(x, x̂)]

    `fit`, `evaluate` and strategies work as with any Keras model; batches are dicts with "image"
    [batch, height, width, 3] float32 in [0, 1] and, for training, "seed" [batch, 2] int64 (see
    `zoo.data.pipeline.batches`). Heights and widths for training must be multiples of 16.

    With `analysis.trainable = False`, training sees latents that are really rounded, with the offsets of the last
    `make_tables`, and fits the synthesis transform and the prior to them: noise is only there to give the
    analysis a gradient (Guo et al. 2021, "Soft then hard").

    `make_tables` must be called after the last change of the prior and before `test_step` or compression;
    the trainer calls it before every evaluation and checkpoint.

    Source: Ballé, Laparra & Simoncelli 2017, eqs. (9)–(12); the prior is that of Ballé et al. 2018,
    appendix 6.1, where the paper had piecewise-linear densities.

    Args:
      config: a `BLS2017Config`.
    """

    ENTRY = "bls2017"  # in the registry, for exports under other names
    STATE = ("analysis", "synthesis", "prior", "cdf", "cdf_offset", "quantization_offset")

    def __init__(self, config=None, name="bls2017"):
        super().__init__(name=name)
        self.config = config or BLS2017Config()
        channels = self.config.latent_channels
        self.analysis = AnalysisTransform(self.config)
        self.synthesis = SynthesisTransform(self.config)
        self.prior = tfc.NoisyDeepFactorized(batch_shape=(channels,), num_filters=self.config.prior_filters)
        # Tables of the entropy coder: integers, made once and kept, since no two machines would make the same.
        self.cdf = tf.Variable(
            tf.zeros([0], tf.int32), trainable=False, shape=[None], validate_shape=False, name="cdf"
        )
        self.cdf_offset = tf.Variable(
            tf.zeros(self.table_shape(), tf.int32), trainable=False, name="cdf_offset"
        )
        self.quantization_offset = tf.Variable(
            tf.zeros([channels]), trainable=False, name="quantization_offset"
        )
        self.trackers = {name: tf.keras.metrics.Mean(name=name) for name in ("loss", "bpp", "mse", "psnr")}
        self.synthesis(self.analysis(tf.zeros([1, TOTAL_STRIDE, TOTAL_STRIDE, 3])))  # makes the variables

    @property
    def metrics(self):
        return list(self.trackers.values())

    def table_shape(self):
        """How many tables the entropy coder has, by what they belong to."""
        return (self.config.latent_channels,)

    def rate(self, latents):
        """Information content of latents, in bits: [batch, h, w, C] float32 -> [batch]."""
        log_prob = self.prior.log_prob(latents)
        return tf.reduce_sum(log_prob, axis=(1, 2, 3)) / -math.log(2)

    def symbols_rate(self, symbols, quality=1):
        """Information content of what the entropy coder gets: [batch, h, w, C] float32, whole -> bits, [batch]."""
        return self.rate(symbols + self.quantization_offset)

    def quantize(self, latents):
        """Rounds to integers plus each channel's offset, the median of its density."""
        return tf.round(latents - self.quantization_offset) + self.quantization_offset

    def distortion(self, images, reconstructions):
        """Distortion of each picture, [batch] float32, as the config says; see `DISTORTIONS`."""
        return DISTORTIONS[self.config.distortion](images, reconstructions)

    def call(self, images, training=False):
        """Pictures as they look after the codec: [batch, height, width, 3] float32 in [0, 1], same size out."""
        shape = tf.shape(images)
        latents = self.analysis(pad_to_multiple(images, TOTAL_STRIDE), training=training)
        reconstructions = self.synthesis(self.quantize(tf.cast(latents, tf.float32)), training=training)
        return tf.clip_by_value(reconstructions[:, : shape[1], : shape[2]], 0.0, 1.0)

    def train_step(self, batch):
        images, seeds = batch["image"], batch["seed"]
        with tf.GradientTape() as tape:
            loss, bpp, reconstructions = self.training_loss(images, seeds)
            replicas = tf.distribute.get_strategy().num_replicas_in_sync
            scaled = loss / tf.cast(replicas, loss.dtype)  # gradients are summed over replicas
        self.optimizer.minimize(scaled, self.trainable_variables, tape=tape)
        return self._track(images, reconstructions, bpp, loss)

    def training_loss(self, images, seeds):
        """The loss of a batch, see the class: (loss, bits per pixel [batch], reconstructions)."""
        # The bottleneck stays in float32: bfloat16 has steps of 1/4 above 32.
        latents = tf.cast(self.analysis(images, training=True), tf.float32)
        if self.analysis.trainable:
            latents += uniform_per_example(seeds, tf.shape(latents)[1:], -0.5, 0.5)
        else:
            latents = self.quantize(latents)
        reconstructions = self.synthesis(latents, training=True)
        bpp, distortion = self._rate_distortion(images, latents, reconstructions)
        return tf.reduce_mean(bpp + self.config.rate_distortion_weight * distortion), bpp, reconstructions

    def test_step(self, batch):
        images = batch["image"]
        shape = tf.shape(images)
        latents = tf.cast(self.analysis(pad_to_multiple(images, TOTAL_STRIDE)), tf.float32)
        latents = self.quantize(latents)
        reconstructions = self.synthesis(latents)[:, : shape[1], : shape[2]]
        reconstructions = tf.round(tf.clip_by_value(reconstructions, 0, 1) * 255) / 255
        bpp, distortion = self._rate_distortion(images, latents, reconstructions)
        loss = tf.reduce_mean(bpp + self.config.rate_distortion_weight * distortion)
        return self._track(images, reconstructions, bpp, loss)

    def _rate_distortion(self, images, latents, reconstructions):
        pixels = tf.cast(tf.shape(images)[1] * tf.shape(images)[2], tf.float32)
        return self.rate(latents) / pixels, self.distortion(images, reconstructions)

    def _track(self, images, reconstructions, bpp, loss):
        mse = mean_squared_error(images, reconstructions)
        values = {"loss": loss, "bpp": bpp, "mse": mse}
        values["psnr"] = 10 / math.log(10) * tf.math.log(255**2 / tf.maximum(mse, 1e-10))
        for name, value in values.items():
            self.trackers[name].update_state(value)
        return {name: tracker.result() for name, tracker in self.trackers.items()}

    def make_tables(self):
        """Makes the entropy coder's integer tables from the prior as it is now (about a second)."""
        cdf, cdf_offset, quantization_offset = self._tables()
        self.cdf.assign(cdf)
        self.cdf_offset.assign(cdf_offset)
        self.quantization_offset.assign(quantization_offset)

    def identity(self):
        """8 bytes that name this model: a hash of all that decoding needs.

        Two models of one identity decode each other's files.
        """
        config = self.config
        decoding = (
            config.input_mean,
            config.input_scale,
            config.gdn_alpha,
            config.gdn_epsilon,
            config.bottleneck_gdn,
        )
        digest = hashlib.sha256(repr(decoding).encode())
        for array in self.decoding_arrays():
            digest.update(array.tobytes())
        return digest.digest()[:8]

    def decoding_arrays(self):
        """The arrays that a decoder depends on."""
        variables = self.cdf, self.cdf_offset, self.quantization_offset, *self.synthesis.trainable_variables
        return [variable.numpy() for variable in variables]

    def table_choices(self):
        """The qualities among whose tables the entropy coder chooses, see `zoo.coding.tables.Tables`: [Q, K] int32."""
        return np.ones([1, 1], np.int32)

    def quantization(self):
        """Scales g before rounding and steps s after it: two [qualities, C] float32 arrays, for one rate all 1."""
        ones = np.ones([1, self.config.latent_channels], np.float32)
        return ones, ones

    def rate_distortion_weights(self):
        """λ of every quality: [qualities] float32 array."""
        return np.array([self.config.rate_distortion_weight], np.float32)

    def variables_checkpoint(self):
        """A `tf.train.Checkpoint` of the model's variables, without optimizer and metrics."""
        return checkpoint_of(self, self.STATE)

    def get_config(self):
        """Refuses, like `save`: Keras asks for it when it writes a file."""
        self.save()

    def save(self, *args, **kwargs):
        """Refuses: Keras' files lose the kernels, GDN and prior without a word.

        Raises:
          UserError: always; names the calls that keep everything.
        """
        raise UserError(
            "Keras' own files would lose variables of this model; use model.save_weights(prefix), "
            "tf.train.Checkpoint(model=model) or zoo.codec.export.export_codec."
        )

    def save_weights(self, filepath, overwrite=True, save_format="tf", options=None):
        """Saves all variables in TensorFlow's checkpoint format.

        Raises:
          UserError: an HDF5 or Keras file is asked for, which would lose variables.
        """
        if save_format != "tf" or str(filepath).endswith((".h5", ".keras", ".hdf5")):
            self.save()
        super().save_weights(filepath, overwrite, save_format, options)

    @tf.function
    def _tables(self):
        # Inside a graph: the search for the tails is a loop of many small steps, ten times slower outside.
        coder = tfc.ContinuousBatchedEntropyModel(
            self.prior,
            coding_rank=3,
            compression=True,
            stateless=True,
            tail_mass=self.config.tail_mass,
            range_coder_precision=PRECISION,
            bottleneck_dtype=tf.float32,
        )
        return coder.cdf, coder.cdf_offset, coder.quantization_offset
