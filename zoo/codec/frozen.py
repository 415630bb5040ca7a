"""The transforms as constants and stock TensorFlow ops: twice as fast, and loadable anywhere."""

import dataclasses

import numpy as np
import tensorflow as tf
import tensorflow_compression as tfc

from zoo.codec.config import TOTAL_STRIDE
from zoo.layers.signal_conv import polyphase_kernel


@dataclasses.dataclass(frozen=True)
class Convolution:
    """One convolution with constant kernel: `kernel` [k, k, in, out] of a cross-correlation, `bias` [out]."""

    kernel: np.ndarray
    bias: np.ndarray
    stride: int


@dataclasses.dataclass(frozen=True)
class Normalization:
    """One GDN or IGDN with constant `beta` [C] and `gamma` [C, C]."""

    beta: np.ndarray
    gamma: np.ndarray
    alpha: float
    epsilon: float
    inverse: bool


def freeze(model):
    """Takes the transforms of a codec apart into constants.

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
        border = len(step.kernel) // 2
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


class FrozenCodec:
    """Pictures to integer latents and back, in stock ops and constants.

    Source: Ballé et al. 2017, figure 2, with trained parameters.

    Args:
      model: a trained `zoo.codec.model.BLS2017` with its tables made.

    Attributes:
      channels: int, of the latents.
      multiply_adds: dict of transform to multiply-adds per pixel, GDN included.

    Raises:
      ValueError: the model has no tables.
    """

    def __init__(self, model):
        if tf.size(model.cdf) == 0:
            raise ValueError("the model has no tables yet; call its make_tables() first.")
        self._mean, self._scale = model.config.input_mean, model.config.input_scale
        self._offset = model.quantization_offset.numpy()
        self._table_bits = TableBits(model.cdf.numpy(), model.cdf_offset.numpy())
        self.channels = model.config.num_filters
        analysis, synthesis = freeze(model)
        self.multiply_adds = {
            "analysis": multiply_adds(analysis, 1.0),
            "synthesis": multiply_adds(synthesis, 1 / TOTAL_STRIDE**2),
        }
        # One concrete function each, called by every signature: the constants are stored once.
        pictures = tf.TensorSpec([None, None, None, 3])
        latents = tf.TensorSpec([None, None, None, self.channels])
        self._analyze = tf.function(lambda x: analyze(analysis, x)).get_concrete_function(pictures)
        self._synthesize = tf.function(lambda y: synthesize(synthesis, y)).get_concrete_function(latents)

    def analyze(self, images):
        """[B, H, W, 3] uint8, H and W multiples of 16 -> latents [B, H/16, W/16, C] int32."""
        x = (tf.cast(images, tf.float32) / 255 - self._mean) * self._scale
        return tf.cast(tf.round(self._analyze(x) - self._offset), tf.int32)

    def synthesize(self, latents):
        """Latents [B, h, w, C] int32 -> [B, 16 h, 16 w, 3] uint8."""
        x = self._synthesize(tf.cast(latents, tf.float32) + self._offset)
        x = 255 * (x / self._scale + self._mean)
        return tf.cast(tf.clip_by_value(tf.round(x), 0, 255), tf.uint8)

    def bits(self, latents):
        """Bits that the range coder spends on latents: [B, h, w, C] int32 -> [B] float32, but for its last bytes."""
        return self._table_bits(latents)


class TableBits:
    """The length of the range coder's code, from its tables.

    A symbol costs -log2 of its integer probability; one outside its table costs the escape symbol, a
    sign and an Elias gamma code of how far outside it is.

    Args:
      cdf: [n] int32, tensorflow-compression's concatenated tables: for each channel -precision, 0, …, 2^precision.
      cdf_offset: [C] int32, the latent that belongs to the first entry of each table.
    """

    def __init__(self, cdf, cdf_offset):
        starts = np.flatnonzero(cdf < 0)
        tables = [table[1:] for table in np.split(cdf, starts[1:])]
        precision = -int(cdf[0])
        width = max(map(len, tables)) - 1
        self._bits = np.zeros([len(tables), width], np.float32)
        for row, table in zip(self._bits, tables, strict=True):
            row[: len(table) - 1] = precision - np.log2(np.diff(table))
        self._escape = np.array([len(table) - 2 for table in tables], np.int32)
        self._offset = cdf_offset

    def __call__(self, latents):
        """[B, h, w, C] int32 -> [B] float32."""
        index = latents - self._offset
        escaped = tf.logical_or(index < 0, index >= self._escape)
        beyond = tf.where(index < 0, -index, index - self._escape + 1)  # from 1 on, where escaped
        beyond = tf.cast(tf.maximum(beyond, 1), tf.float32)
        sign_and_gamma = 2 * tf.floor(tf.math.log(beyond) / np.float32(np.log(2))) + 2
        channels, width = self._bits.shape
        row = width * tf.range(channels)
        bits = tf.gather(self._bits.reshape(-1), row + tf.where(escaped, self._escape, index))
        return tf.reduce_sum(bits + tf.where(escaped, sign_and_gamma, 0.0), axis=(1, 2, 3))
