"""One codec for every rate: steps of quantization that depend on the quality asked for."""

import math

import numpy as np
import tensorflow as tf
import tensorflow_compression as tfc

from zoo.codec.config import TOTAL_STRIDE, VariableRateConfig
from zoo.codec.model import BLS2017
from zoo.coding.table_bits import choice_bits, choose
from zoo.coding.tables import PRECISION
from zoo.errors import UserError
from zoo.images.graph import pad_to_multiple
from zoo.random import uniform_per_example

QUALITIES = 100  # 1 to 100, as JPEG has them
CHOICES = 8  # of tables, for each run of latents
SPACING = 12  # qualities between them, a ratio of steps of about 4/3


class ScaledDensity(tfc.MonotonicAdapter):
    """The density of z = (y - center) * scale, y of density `base`.

    Args:
      base: a distribution of batch shape [C].
      scale: float32, broadcastable to [..., C], positive.
      center: [C] float32.
    """

    def __init__(self, base, scale, center, name="ScaledDensity"):
        super().__init__(base, name=name)
        self._scale, self._center = scale, center

    def transform(self, x):
        return (x - self._center) * self._scale

    def inverse_transform(self, y):
        return y / self._scale + self._center


class VariableRateBLS2017(BLS2017):
    """The codec of Ballé, Laparra & Simoncelli with a quality from 1 to 100.

        x -> analysis -> y -> z = (y - m) g -> round -> ẑ -> ŷ = ẑ / g · c + m -> synthesis -> x̂

    All qualities share the transforms and one density of y, whose median is m. A quality has a scale g and a
    correction c for each channel; the steps of quantization are 1/g. Since y does not depend on the quality, the
    same density gives the rate of any step: P(ẑ) = F(m + (ẑ + ½) / g) - F(m + (ẑ - ½) / g).

    Pictures are smooth here and busy there. So the entropy coder chooses, for every few latents in a row, among P with
    the g of several qualities, while ẑ is what it is: see `zoo.coding.tables.Tables`. The rate is that of the best.

    g and c are learned at `levels` qualities and interpolated in their logarithms between them, like λ. In
    training every example draws a quality anywhere in the range. Losses are divided by √λ, which makes them of
    one size.

    Source: scaled latents as in Cui et al. 2021, "Asymmetric gained deep image compression with continuous rate
    adaptation", with a single density instead of one for each quality.

    Args:
      config: a `VariableRateConfig`.
    """

    ENTRY = "bls2017-vr"
    STATE = (*BLS2017.STATE, "log_scales", "log_corrections")

    def __init__(self, config=None, name="bls2017-vr"):
        super().__init__(config or VariableRateConfig(), name=name)
        levels, channels = self.config.levels, self.config.latent_channels
        if (QUALITIES - 1) % (levels - 1):
            raise ValueError(f"levels is {levels}; expected levels - 1 to divide {QUALITIES - 1}.")
        log_weights = np.log(np.geomspace(*self.config.rate_distortion_weight, levels))
        start = 0.5 * (log_weights - log_weights.mean())  # at high rate the best step goes with 1/√λ
        start = np.repeat(start[:, None], channels, axis=1)
        self.log_scales = tf.Variable(start.astype(np.float32), name="log_scales")
        self.log_corrections = tf.Variable(tf.zeros([levels, channels]), name="log_corrections")

    def table_shape(self):
        return QUALITIES, self.config.latent_channels

    def weight(self, position):
        """λ at a place between the levels, 0 <= position <= levels - 1: [n] float32 -> [n]."""
        low, high = np.log(self.config.rate_distortion_weight)
        return tf.exp(low + (high - low) * position / (self.config.levels - 1))

    def steps(self, position):
        """Scale g and what the synthesis multiplies ẑ with, c / g, at places between the levels.

        Args:
          position: [n] float32 in [0, levels - 1].

        Returns:
          Two [n, 1, 1, C] float32.
        """
        below = tf.clip_by_value(tf.cast(tf.floor(position), tf.int32), 0, self.config.levels - 2)
        part = (position - tf.cast(below, tf.float32))[:, tf.newaxis]

        def between(table):
            return (1 - part) * tf.gather(table, below) + part * tf.gather(table, below + 1)

        log_scale, log_correction = between(self.log_scales), between(self.log_corrections)
        both = tf.exp(log_scale), tf.exp(log_correction - log_scale)
        return tuple(value[:, tf.newaxis, tf.newaxis] for value in both)

    def decoding_arrays(self):
        scales = self.log_scales.numpy(), self.log_corrections.numpy()
        return [*super().decoding_arrays(), *scales, self.table_choices()]

    def table_choices(self):
        return self._choices(tf.range(1.0, QUALITIES + 1.0)).numpy().astype(np.int32)

    def _choices(self, quality):
        """Qualities around the own, the fourth of them where there are enough on both sides: [n] -> [n, CHOICES] float32."""
        first = tf.clip_by_value(quality - 3 * SPACING, 1, QUALITIES - (CHOICES - 1) * SPACING)
        return first[:, tf.newaxis] + SPACING * tf.range(CHOICES, dtype=tf.float32)

    def quantization(self):
        return tuple(table[:, 0, 0].numpy() for table in self.steps(self._positions()))

    def rate_distortion_weights(self):
        return self.weight(self._positions()).numpy()

    def _positions(self):
        """The places of all qualities: [100] float32."""
        return self.position(tf.range(1.0, QUALITIES + 1.0))

    def position(self, quality):
        """The place between the levels of a quality from 1 to 100: any shape, numbers or float tensor."""
        return (quality - 1) * ((self.config.levels - 1) / (QUALITIES - 1))

    def scaled_rate(self, scaled, quality):
        """Information content of scaled latents z, and of what is chosen, in bits.

        Args:
          scaled: [batch, h, w, C] float32.
          quality: [batch] float32, 1 to 100.

        Returns:
          [batch] float32.
        """
        shape = tf.shape(scaled)

        def bits(tables):
            scale, _ = self.steps(self.position(tf.reshape(tables, [-1])))
            if tables.shape.rank > 1:  # of each position, not of each picture
                scale = tf.reshape(scale, shape)
            density = tfc.UniformNoiseAdapter(ScaledDensity(self.prior.base, scale, self.quantization_offset))
            return tf.reduce_sum(density.log_prob(scaled), axis=-1) / -math.log(2)

        tables = choose(bits, self._choices(quality), shape[:3])
        return tf.reduce_sum(bits(tables), axis=(1, 2)) + choice_bits(CHOICES, shape[1] * shape[2])

    def symbols_rate(self, symbols, quality=50):
        return self.scaled_rate(symbols, tf.fill(symbols.shape[:1], float(quality)))

    def training_loss(self, images, seeds):
        pixels = tf.cast(tf.shape(images)[1] * tf.shape(images)[2], tf.float32)
        other_seeds = seeds + tf.constant([1 << 40, 0], seeds.dtype)  # not those of the noise
        quality = uniform_per_example(other_seeds, [], 1.0, float(QUALITIES))
        position = self.position(quality)
        scale, back = self.steps(position)
        latents = tf.cast(self.analysis(images, training=True), tf.float32)
        scaled = (latents - self.quantization_offset) * scale
        if self.analysis.trainable:
            scaled += uniform_per_example(seeds, tf.shape(latents)[1:], -0.5, 0.5)
        else:
            scaled = tf.round(scaled)
        reconstructions = self.synthesis(scaled * back + self.quantization_offset, training=True)
        bpp = self.scaled_rate(scaled, quality) / pixels
        loss = self._normalized_loss(bpp, self.distortion(images, reconstructions), position)
        return tf.reduce_mean(loss), bpp, reconstructions

    def _normalized_loss(self, bpp, distortion, position):
        """(rate + λ · distortion) / √λ, times a constant that makes it the plain loss at the middle of the range."""
        weight, middle = self.weight(position), math.sqrt(math.prod(self.config.rate_distortion_weight))
        return (bpp + weight * distortion) * tf.sqrt(middle / weight)

    def call(self, images, training=False, quality=50):
        """Pictures as they look after the codec at a quality: [batch, height, width, 3] float32, same size out."""
        shape = tf.shape(images)
        latents = self.analysis(pad_to_multiple(images, TOTAL_STRIDE), training=training)
        scaled, back = self._round_at(tf.cast(latents, tf.float32), float(quality))
        reconstructions = self.synthesis(scaled * back + self.quantization_offset, training=training)
        return tf.clip_by_value(reconstructions[:, : shape[1], : shape[2]], 0.0, 1.0)

    def _round_at(self, latents, quality):
        scale, back = self.steps(self.position(tf.fill(tf.shape(latents)[:1], quality)))
        return tf.round((latents - self.quantization_offset) * scale), back

    def test_step(self, batch):
        """Averages over all levels."""
        images = batch["image"]
        shape = tf.shape(images)
        pixels = tf.cast(shape[1] * shape[2], tf.float32)
        latents = tf.cast(self.analysis(pad_to_multiple(images, TOTAL_STRIDE)), tf.float32)
        for quality in np.linspace(1, QUALITIES, self.config.levels).tolist():
            scaled, back = self._round_at(latents, quality)
            reconstructions = self.synthesis(scaled * back + self.quantization_offset)
            reconstructions = reconstructions[:, : shape[1], : shape[2]]
            reconstructions = tf.round(tf.clip_by_value(reconstructions, 0, 1) * 255) / 255
            quality = tf.fill(shape[:1], quality)
            bpp = self.scaled_rate(scaled, quality) / pixels
            distortion = self.distortion(images, reconstructions)
            loss = self._normalized_loss(bpp, distortion, self.position(quality))
            logs = self._track(images, reconstructions, bpp, tf.reduce_mean(loss))
        return logs

    def start_from(self, smaller):
        """Takes the variables of a codec for one rate, of as many filters and as many latent channels at most.

        They go to the leading channels; what is beyond keeps its initial values. Its step of 1 becomes that of
        its λ.

        Args:
          smaller: a `BLS2017` with trained variables and tables.

        Raises:
          UserError: it has other filters, or more latent channels.
        """
        mine, yours = self.config, smaller.config
        if yours.num_filters != mine.num_filters or yours.latent_channels > mine.latent_channels:
            raise UserError(
                f"a codec of {yours.num_filters} filters and {yours.latent_channels} latent channels cannot be widened "
                f"to {mine.num_filters} and {mine.latent_channels}; take as many filters and no fewer channels."
            )
        for part in ("analysis", "synthesis", "prior"):
            pairs = zip(getattr(self, part).variables, getattr(smaller, part).variables, strict=True)
            for variable, source in pairs:
                value = variable.numpy()
                value[tuple(map(slice, source.shape))] = source.numpy()
                variable.assign(value)
        low, high = self.config.rate_distortion_weight
        shift = 0.5 * math.log(math.sqrt(low * high) / smaller.config.rate_distortion_weight)
        self.log_scales.assign_add(tf.fill(self.log_scales.shape, shift))

    @tf.function
    def _tables(self):
        # Tails and medians once, of y: those of z follow at every quality.
        base = self.prior.base
        median = tfc.estimate_tails(base._logits_cumulative, 0.0, base.batch_shape_tensor(), base.dtype)
        lower = tfc.lower_tail(base, self.config.tail_mass)
        upper = tfc.upper_tail(base, self.config.tail_mass)
        scales = self.steps(self._positions())[0][:, 0, 0]  # [Q, C]
        first = tf.cast(tf.floor((lower - median) * scales), tf.int32)
        last = tf.cast(tf.math.ceil((upper - median) * scales), tf.int32)

        def table(quality):
            density = tfc.UniformNoiseAdapter(ScaledDensity(base, scales[quality], median))
            start, lengths = first[quality], last[quality] - first[quality] + 1
            symbols = tf.range(tf.reduce_max(lengths))[:, tf.newaxis] + start
            masses = tf.transpose(density.prob(tf.cast(symbols, tf.float32)))  # [C, longest]
            parts = tf.TensorArray(tf.int32, self.config.latent_channels, infer_shape=False)
            for channel in tf.range(self.config.latent_channels):
                mass = masses[channel, : lengths[channel]]
                mass = tf.concat([mass, [tf.maximum(1 - tf.reduce_sum(mass), 0)]], 0)  # what is outside
                cdf = tfc.pmf_to_quantized_cdf(mass, precision=PRECISION)
                parts = parts.write(channel, tf.concat([[-PRECISION], cdf], 0))
            return parts.concat()

        cdf = tf.TensorArray(tf.int32, QUALITIES, infer_shape=False)
        for quality in tf.range(QUALITIES):
            cdf = cdf.write(quality, table(quality))
        return cdf.concat(), first, median
