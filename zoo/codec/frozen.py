"""The transforms in stock TensorFlow ops, kernels computed once: twice as fast, and loadable anywhere."""

import dataclasses

import numpy as np
import tensorflow as tf
import tensorflow_compression as tfc

from zoo.codec.config import TOTAL_STRIDE
from zoo.layers.signal_conv import polyphase_kernel


@dataclasses.dataclass(frozen=True)
class Convolution:
    """One convolution: `kernel` [k, k, in, out] of a cross-correlation, `bias` [out], arrays or variables."""

    kernel: np.ndarray | tf.Variable
    bias: np.ndarray | tf.Variable
    stride: int


@dataclasses.dataclass(frozen=True)
class Normalization:
    """One GDN or IGDN: `beta` [C] and `gamma` [C, C], arrays or variables."""

    beta: np.ndarray | tf.Variable
    gamma: np.ndarray | tf.Variable
    alpha: float
    epsilon: float
    inverse: bool


def freeze(model):
    """Takes the transforms of a codec apart into arrays.

    Args:
      model: a `zoo.codec.model.BLS2017`, with variables in float32.

    Returns:
      Two lists of `Convolution` and `Normalization`: analysis and synthesis. Kernels come out of their
      Fourier parameterization; those of the synthesis are in phases, see `polyphase_kernel`.
    """

    def steps(transform):
        for layer in transform.layers:
            if isinstance(layer, tfc.SignalConv2D):
                upsampling = layer.strides_up[0] > 1
                stride = layer.strides_up[0] if upsampling else layer.strides_down[0]
                kernel = layer.kernel_parameter(tf.float32)
                kernel = polyphase_kernel(kernel, stride) if upsampling else kernel
                bias = layer.bias_parameter.numpy() if layer.use_bias else np.zeros(layer.filters, np.float32)
                yield Convolution(kernel.numpy(), bias, stride)
                if isinstance(layer.activation, tfc.GDN):
                    yield normalization(layer.activation)
            elif isinstance(layer, tfc.GDN):
                yield normalization(layer)

    def normalization(gdn):
        beta, gamma = gdn.beta_parameter(tf.float32).numpy(), gdn.gamma_parameter(tf.float32).numpy()
        return Normalization(beta, gamma, float(gdn.alpha), float(gdn.epsilon), gdn.inverse)

    return list(steps(model.analysis)), list(steps(model.synthesis))


def multiply_adds(steps, density):
    """Multiply-adds per pixel of a frozen transform whose input has `density` samples a pixel, rounded."""
    total, upward = 0.0, density < 1
    for step in steps:
        if isinstance(step, Normalization):
            total += density * step.gamma.size
            continue
        density = density if upward else density / step.stride**2
        total += density * step.kernel.size
        density = density * step.stride**2 if upward else density
    return round(total)


def to_variables(steps):
    """The same steps with variables for arrays.

    Constants would be copied into every function that calls another: hundreds of megabytes when loaded.
    """

    def convert(step):
        arrays = {name: value for name, value in vars(step).items() if isinstance(value, np.ndarray)}
        return dataclasses.replace(step, **{name: _variable(value) for name, value in arrays.items()})

    return [convert(step) for step in steps]


def _variable(value):
    return tf.Variable(value, trainable=False)


def normalize(x, step):
    """GDN, x / (beta + gamma |x|^alpha)^epsilon, or its inverse, which multiplies: [B, H, W, C] float32."""
    pool = {1.0: tf.abs, 2.0: tf.square}.get(step.alpha, lambda v: tf.abs(v) ** step.alpha)(x)
    pool = tf.nn.conv2d(pool, step.gamma[None, None], 1, "VALID") + step.beta
    if step.epsilon == 0.5:
        return x * (tf.sqrt(pool) if step.inverse else tf.math.rsqrt(pool))
    pool = pool if step.epsilon == 1 else pool**step.epsilon
    return x * pool if step.inverse else x / pool


def analyze(steps, x):
    """Applies a frozen analysis: [B, H, W, 3] centred float32 -> [B, ⌈H/16⌉, ⌈W/16⌉, C]."""
    for step in steps:
        if isinstance(step, Normalization):
            x = normalize(x, step)
            continue
        border = step.kernel.shape[0] // 2
        x = tf.pad(x, [[0, 0], [border, border], [border, border], [0, 0]])
        x = tf.nn.conv2d(x, step.kernel, step.stride, "VALID") + step.bias
    return x


def synthesize(steps, x):
    """Applies a frozen synthesis: [B, h, w, C] float32 -> [B, 16 h, 16 w, 3], centred."""
    for step in steps:
        if isinstance(step, Normalization):
            x = normalize(x, step)
            continue
        x = tf.nn.depth_to_space(tf.nn.conv2d(x, step.kernel, 1, "SAME"), step.stride) + step.bias
    return x


def row(table, quality=None):
    """The row of a table [Q, C] for the quality of each picture, [B] int32 from 1 on: [B, 1, 1, C].

    [C] for a codec of one rate, where quality is None.
    """
    if quality is None:
        return table[0]
    return tf.gather(table, quality - 1)[:, tf.newaxis, tf.newaxis]


class FrozenCodec:
    """Pictures to integer latents and back, in stock ops.

        z = round((y - m) g),   ŷ = z s + m

    y is the analysis transform of the picture, m the medians of its channels; g and s are the scales and steps of a
    quality. A codec for one rate has a single quality with scales and steps of 1.

    Source: Ballé et al. 2017, figure 2, with trained parameters.

    Args:
      model: a trained `zoo.codec.model.BLS2017` with its tables made.

    Attributes:
      channels: int, of the latents.
      qualities: int, how many there are.
      multiply_adds: dict of transform to multiply-adds per pixel, GDN included.

    Raises:
      ValueError: the model has no tables.
    """

    def __init__(self, model):
        if tf.size(model.cdf) == 0:
            raise ValueError("the model has no tables yet; call its make_tables() first.")
        self._mean, self._contrast = model.config.input_mean, model.config.input_scale
        scales, steps = model.quantization()
        self.qualities, self.channels = scales.shape
        bits = TableBits(model.cdf.numpy(), model.cdf_offset.numpy().reshape(scales.shape))
        analysis, synthesis = freeze(model)
        self.multiply_adds = {
            "analysis": multiply_adds(analysis, 1.0),
            "synthesis": multiply_adds(synthesis, 1 / TOTAL_STRIDE**2),
        }
        analysis, synthesis = to_variables(analysis), to_variables(synthesis)
        median, scales, steps = (_variable(v) for v in (model.quantization_offset.numpy(), scales, steps))
        self._state = (
            analysis,
            synthesis,
            median,
            scales,
            steps,
            bits,
        )  # functions do not keep their variables
        # One concrete function each, called by every signature.
        pictures = tf.TensorSpec([None, None, None, 3])
        floats, integers = (
            tf.TensorSpec([None, None, None, self.channels], t) for t in (tf.float32, tf.int32)
        )
        quality = [tf.TensorSpec([None], tf.int32)] if self.qualities > 1 else []

        def once(function, *specs):
            return tf.function(function).get_concrete_function(*specs)

        self._analyze = once(lambda x: analyze(analysis, x) - median, pictures)
        self._synthesize = once(lambda y: synthesize(synthesis, y + median), floats)
        self._scale = once(lambda *q: row(scales, *q), *quality)
        self._step = once(lambda *q: row(steps, *q), *quality)
        self._bits = once(lambda z, *q: bits(z, *q), integers, *quality)

    def transform(self, images):
        """[B, H, W, 3] uint8, H and W multiples of 16 -> y - m, [B, H/16, W/16, C] float32."""
        x = (tf.cast(images, tf.float32) / 255 - self._mean) * self._contrast
        return self._analyze(x)

    def inverse_transform(self, coefficients):
        """ŷ - m, [B, h, w, C] float32 -> [B, 16 h, 16 w, 3] float32, about 0 to 255, neither rounded nor clipped."""
        return 255 * (self._synthesize(coefficients) / self._contrast + self._mean)

    def analyze(self, images, quality=None):
        """Pictures to latents.

        Args:
          images: [B, H, W, 3] uint8, H and W multiples of 16.
          quality: [B] int32 from 1 to `qualities`; None for a codec of one rate.

        Returns:
          [B, H/16, W/16, C] int32.
        """
        return tf.cast(tf.round(self.transform(images) * self._scale(*_given(quality))), tf.int32)

    def synthesize(self, latents, quality=None):
        """Latents [B, h, w, C] int32 -> [B, 16 h, 16 w, 3] uint8; quality as in `analyze`."""
        x = self.inverse_transform(tf.cast(latents, tf.float32) * self._step(*_given(quality)))
        return to_uint8(x)

    def bits(self, latents, quality=None):
        """Bits that the range coder spends on latents, but for its last bytes.

        Args:
          latents: [B, h, w, C] int32.
          quality: as in `analyze`.

        Returns:
          [B] float32.
        """
        return self._bits(latents, *_given(quality))


def _given(quality):
    """A codec of one rate has functions without quality."""
    return [] if quality is None else [quality]


def to_uint8(pixels):
    """Rounds and clips pixel values: float32 of any shape -> uint8."""
    return tf.cast(tf.clip_by_value(tf.round(pixels), 0, 255), tf.uint8)


class TableBits:
    """The length of the range coder's code, from its tables.

    A symbol costs -log2 of its integer probability; one outside its table costs the escape symbol, a
    sign and an Elias gamma code of how far outside it is.

    Args:
      cdf: [n] int32, tensorflow-compression's concatenated tables: -precision, 0, …, 2^precision for each channel
        of each quality.
      cdf_offset: [Q, C] int32, the latent that belongs to the first entry of each table.
    """

    def __init__(self, cdf, cdf_offset):
        starts = np.flatnonzero(cdf < 0)
        ends = np.append(starts[1:], len(cdf))
        mass = np.diff(cdf.astype(np.int64), append=1)
        mass[ends - 1] = 1  # unused, as is what precedes the first symbol of a table
        self._bits = _variable((-int(cdf[0]) - np.log2(np.maximum(mass, 1))).astype(np.float32))
        shape = cdf_offset.shape
        self._first, self._escape, self._offset = (
            _variable(v.reshape(shape).astype(np.int32)) for v in (starts + 1, ends - starts - 3, cdf_offset)
        )

    def of_symbols(self, latents, quality=None):
        """The bits of each latent: [B, h, w, C] int32, [B] int32 (None for one rate) -> [B, h, w, C] float32."""
        first, escape, offset = (row(table, quality) for table in (self._first, self._escape, self._offset))
        index = latents - offset
        escaped = tf.logical_or(index < 0, index >= escape)
        beyond = tf.where(index < 0, -index, index - escape + 1)  # from 1 on, where escaped
        beyond = tf.cast(tf.maximum(beyond, 1), tf.float32)
        sign_and_gamma = 2 * tf.floor(tf.math.log(beyond) / np.float32(np.log(2))) + 2
        bits = tf.gather(self._bits, first + tf.where(escaped, escape, index))
        return bits + tf.where(escaped, sign_and_gamma, 0.0)

    def __call__(self, latents, quality=None):
        """The bits of each picture: [B, h, w, C] int32, [B] int32 (None for one rate) -> [B] float32."""
        return tf.reduce_sum(self.of_symbols(latents, quality), axis=(1, 2, 3))
