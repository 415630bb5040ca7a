"""The transforms in stock TensorFlow ops, kernels computed once: twice as fast, and loadable anywhere."""

import copy
import dataclasses

import numpy as np
import tensorflow as tf

from zoo.codec.config import TOTAL_STRIDE
from zoo.coding.rans import RansCoder
from zoo.coding.table_bits import TableBits, row
from zoo.coding.tables import make_tables


@dataclasses.dataclass(frozen=True)
class Convolution:
    """One convolution: `kernel` [k, k, in, out] of a cross-correlation, `bias` [out], arrays or variables."""

    kernel: np.ndarray | tf.Variable
    bias: np.ndarray | tf.Variable
    stride: int


@dataclasses.dataclass(frozen=True)
class Upsampling:
    """Doubles height and width and convolves with 5 x 5: one convolution for each of the four phases of the output.

    Attributes:
      kernels: [3 or 2, 3 or 2, in, out] of cross-correlations, arrays or variables: phases (0, 0), (0, 1), (1, 0) and
        (1, 1) of rows and columns. Together they multiply no oftener than the 5 x 5, and all in fast convolutions.
      bias: [out], array or variable.
    """

    kernels: tuple[np.ndarray | tf.Variable, ...]
    bias: np.ndarray | tf.Variable


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
      Two lists of `Convolution`, `Upsampling` and `Normalization`: analysis and synthesis. Kernels come out of their
      Fourier parameterization; those of the synthesis are in phases, see `polyphase_kernel`.
    """
    # Here, for what is frozen is used without it.
    import tensorflow_compression as tfc

    from zoo.layers.signal_conv import polyphase_kernel

    def steps(transform):
        for layer in transform.layers:
            if isinstance(layer, tfc.SignalConv2D):
                upsampling = layer.strides_up[0] > 1
                stride = layer.strides_up[0] if upsampling else layer.strides_down[0]
                kernel = layer.kernel_parameter(tf.float32)
                kernel = (polyphase_kernel(kernel, stride) if upsampling else kernel).numpy()
                bias = layer.bias_parameter.numpy() if layer.use_bias else np.zeros(layer.filters, np.float32)
                if upsampling and stride == 2:
                    phases = kernel.reshape(*kernel.shape[:3], 2, 2, -1)
                    # The second phase of an axis has no use for the sample before.
                    kernels = (phases[i:, j:, :, i, j].copy() for i in (0, 1) for j in (0, 1))
                    yield Upsampling(tuple(kernels), bias)
                else:
                    yield Convolution(kernel, bias, stride)
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
        if isinstance(step, Upsampling):
            total += density * sum(kernel.size for kernel in step.kernels)
            density *= 4
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
        arrays = {name: value for name, value in vars(step).items() if isinstance(value, np.ndarray | tuple)}
        return dataclasses.replace(
            step, **{name: tf.nest.map_structure(_variable, value) for name, value in arrays.items()}
        )

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


def hide(value, number):
    """The same value, float32, but no constant of the graph; `number` is any integer tensor above 0."""
    return value * tf.cast(tf.minimum(number, 1), tf.float32)


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
        elif isinstance(step, Upsampling):
            x = upsample(x, step)
        else:
            x = tf.nn.depth_to_space(tf.nn.conv2d(x, step.kernel, 1, "SAME"), step.stride) + step.bias
    return x


def upsample(x, step):
    """Applies an `Upsampling`: [B, H, W, C] float32 -> [B, 2 H, 2 W, out]."""

    def phase(kernel):
        before = [size - 2 for size in kernel.shape[:2]]
        return tf.nn.conv2d(x, kernel, 1, [[0, 0], *([b, 1] for b in before), [0, 0]])

    return tf.nn.depth_to_space(tf.concat([phase(kernel) for kernel in step.kernels], -1), 2) + step.bias


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
      tables: `zoo.coding.tables.Tables`, of the entropy coder.
      identity: 8 bytes, see `zoo.codec.model.BLS2017.identity`.

    Raises:
      ValueError: the model has no tables.
    """

    def __init__(self, model):
        if tf.size(model.cdf) == 0:
            raise ValueError("the model has no tables yet; call its make_tables() first.")
        self._mean, self._contrast = model.config.input_mean, model.config.input_scale
        scales, steps = model.quantization()
        self.qualities, self.channels = scales.shape
        offsets = model.cdf_offset.numpy().reshape(scales.shape)
        self.tables = make_tables(model.cdf.numpy(), offsets, model.table_choices())
        coder = self._coder = RansCoder(self.tables)
        self.identity = model.identity()
        bits = TableBits(self.tables)
        analysis, synthesis = freeze(model)
        self.multiply_adds = {
            "analysis": multiply_adds(analysis, 1.0),
            "synthesis": multiply_adds(synthesis, 1 / TOTAL_STRIDE**2),
        }
        analysis, synthesis = to_variables(analysis), to_variables(synthesis)
        median, scales, steps = (_variable(v) for v in (model.quantization_offset.numpy(), scales, steps))
        # Functions do not keep their variables.
        self._state = (analysis, synthesis, median, scales, steps, bits)
        # One concrete function each, called by every signature.
        integers = tf.TensorSpec([None, None, None, self.channels], tf.int32)
        quality = [tf.TensorSpec([None], tf.int32)] if self.qualities > 1 else []

        def once(function, *specs):
            return tf.function(function).get_concrete_function(*specs)

        def transforms(hide=lambda value, _: value):
            def arrange(steps, x):
                number = tf.shape(x)[1]
                for step in steps:
                    if isinstance(step, Normalization):
                        step = dataclasses.replace(step, gamma=hide(step.gamma, number))
                    elif step is synthesis[-1]:
                        step = dataclasses.replace(step, kernel=hide(step.kernel, number))
                    yield step

            def row_of(table, *q):
                return row(hide(table, q[0][0]), *q) if q else row(table)

            pictures, latents = (tf.TensorSpec([None, None, None, c]) for c in (3, self.channels))
            return (
                once(lambda x: analyze(arrange(analysis, x), x) - median, pictures),
                once(lambda y: synthesize(arrange(synthesis, y), y + median), latents),
                once(lambda *q: row_of(scales, *q), *quality),
                once(lambda *q: row_of(steps, *q), *quality),
            )

        self._analyze, self._synthesize, self._scale, self._step = transforms()
        self._hidden = lambda: transforms(hide)
        self._bits = once(lambda z, *q: bits(z, *q), integers, *quality)
        one = [tf.TensorSpec([], tf.int32)] if self.qualities > 1 else []
        rows, data = tf.TensorSpec([None, self.channels], tf.int32), tf.TensorSpec([None], tf.uint8)
        self._encode = once(lambda z, q=1: coder.encode(z, q), rows, *one)
        self._decode = once(lambda d, n, q=1: coder.decode(d, n, q), data, tf.TensorSpec([], tf.int32), *one)

    def for_quantized_weights(self):
        """A codec of the same function, for converters that turn constant weights into eight-bit ones.

        Normalizations, steps and the last convolution stay in float32: their values are of very different sizes, which
        do not share a scale.
        """
        other = copy.copy(self)
        other._analyze, other._synthesize, other._scale, other._step = self._hidden()
        return other

    def transform(self, images):
        """[B, H, W, 3] uint8, H and W multiples of 16 -> y - m, [B, H/16, W/16, C] float32."""
        # One product and one difference, which optimizers of graphs leave as they are: the same bytes with and without.
        return self._analyze(
            tf.cast(images, tf.float32) * (self._contrast / 255) - self._mean * self._contrast
        )

    def inverse_transform(self, coefficients):
        """ŷ - m, [B, h, w, C] float32 -> [B, 16 h, 16 w, 3] float32, about 0 to 255, neither rounded nor clipped."""
        return self._synthesize(coefficients) * (255 / self._contrast) + 255 * self._mean

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
        """Bits that the entropy coder spends on latents, but for its states.

        Args:
          latents: [B, h, w, C] int32.
          quality: as in `analyze`.

        Returns:
          [B] float32.
        """
        return self._bits(latents, *_given(quality))

    def encode(self, symbols, quality=None):
        """Entropy-codes latents, [n, C] int32 -> [m] uint8; quality scalar, else as in `analyze`."""
        return self._encode(symbols, *_given(quality))

    def decode(self, data, count, quality=None):
        """The reverse of `encode`: [m] uint8, scalar n -> [n, C] int32, and whether the bytes are right, scalar bool."""
        return self._decode(data, count, *_given(quality))

    def plausible(self, size, count, quality=None):
        """Whether `size` bytes can hold `count` latents of all channels; to be asked before `decode`."""
        return self._coder.plausible(size, count, 1 if quality is None else quality)


def _given(quality):
    """A codec of one rate has functions without quality."""
    return [] if quality is None else [quality]


def to_uint8(pixels):
    """Rounds and clips pixel values: float32 of any shape -> uint8."""
    return tf.cast(tf.clip_by_value(tf.round(pixels), 0, 255), tf.uint8)
