"""Downsampling A, its right inverse A⁺ and the affine projection, as Keras layers (Sønderby et al. 2017, section 3.1)."""

import numpy as np
import tensorflow as tf

from zoo.images.graph import mirror
from zoo.superres.kernels import downsampling_kernel, upsampling_kernel


class _Resampling(tf.keras.layers.Layer):
    """What the layers share: a factor, a kernel, and the check of what they are given.

    They compute in float32 whatever the precision policy, or what they promise would not hold. Where a GPU has TF32, turn it
    off: `tf.config.experimental.enable_tensor_float_32_execution(False)`.
    """

    def __init__(self, scale=4, kernel="bicubic", **kwargs):
        super().__init__(dtype="float32", trainable=False, **kwargs)
        downsampling_kernel(kernel, scale)  # refuses what there is not
        self.scale, self.kernel = scale, kernel

    def get_config(self):
        config = super().get_config() | {"scale": self.scale, "kernel": self.kernel}
        del config["trainable"], config["dtype"]
        return config

    def _check(self, images, role="pictures"):
        if not images.dtype.is_floating or images.shape.rank != 4 or images.shape[-1] is None:
            raise ValueError(
                f"{self.name} takes {role} [batch, height, width, channels] of a float dtype; "
                f"given {images.dtype.name} {images.shape}."
            )

    def _per_channel(self, kernel, channels):
        """[K, P], P taps each K long -> [K, channels, P * channels]: the same for each channel, mixing none."""
        kernel = np.einsum("kp,cd->kcpd", kernel, np.eye(channels))
        return tf.constant(kernel.reshape(len(kernel), channels, -1), tf.float32)


@tf.keras.utils.register_keras_serializable(package="toulon")
class Downsample(_Resampling):
    """A: reduces pictures by a whole factor, with mirrored borders.

    Inputs [batch, s h, s w, C] of a float dtype, any range; outputs [batch, h, w, C] float32.

    Source: Sønderby et al. 2017, section 3.1; the kernels: `zoo.superres.kernels`.

    Args:
      scale: int, the factor s: 2, 3, 4, 6 or 8.
      kernel: str, "bicubic", "gaussian" or "box".

    Raises:
      UserError: an unknown factor or kernel.
      ValueError: inputs that are no float pictures, or sides that are no multiples of the factor.
    """

    def call(self, images):
        self._check(images)
        if any(side is not None and side % self.scale for side in images.shape[1:3]):
            raise ValueError(
                f"{self.name} takes sides that are multiples of {self.scale}; given {images.shape}."
            )
        taps = downsampling_kernel(self.kernel, self.scale)
        kernel = self._per_channel(taps[:, np.newaxis], images.shape[-1])  # [K, C, C]
        border = (len(taps) - self.scale) // 2
        images = mirror(images, border, axis=1)
        images = tf.nn.conv2d(images, kernel[:, tf.newaxis], [self.scale, 1], "VALID")  # [B, h, s w, C]
        images = mirror(images, border, axis=2)
        return tf.nn.conv2d(images, kernel[tf.newaxis], [1, self.scale], "VALID")  # [B, h, w, C]


@tf.keras.utils.register_keras_serializable(package="toulon")
class Upsample(_Resampling):
    """A⁺: enlarges pictures by a whole factor so that `Downsample` gives them back, to float32 rounding, borders included.

    Inputs [batch, h, w, C] of a float dtype; outputs [batch, s h, s w, C] float32. See
    `zoo.superres.kernels.upsampling_kernel`; the paper fits such a kernel numerically (appendix B).

    Args:
      scale, kernel: of the `Downsample` it inverts.
      prior: "none", nearly the Moore–Penrose inverse; "smooth", the most probable picture under a Gaussian prior of the
        spectrum of natural images, the best that a linear method gives: for bicubic and factor 4 it has 0.9 dB more than
        bicubic enlargement on Set5.

    Raises:
      UserError, ValueError: as `Downsample`.
    """

    def __init__(self, scale=4, kernel="bicubic", prior="none", **kwargs):
        super().__init__(scale, kernel, **kwargs)
        self.prior = prior

    def get_config(self):
        return super().get_config() | {"prior": self.prior}

    def call(self, images):
        self._check(images)
        phases = polyphase(upsampling_kernel(self.kernel, self.scale, self.prior), self.scale)  # [T, s]
        kernel = self._per_channel(phases, images.shape[-1])  # [T, C, s C]
        border, channels = len(phases) // 2, images.shape[-1]
        batch, height, width = tf.unstack(tf.shape(images)[:3])
        images = mirror(images, border, axis=2)
        images = tf.nn.conv2d(images, kernel[tf.newaxis], 1, "VALID")  # [B, h, w, s C]
        images = tf.reshape(images, [batch, height, self.scale * width, channels])
        images = mirror(images, border, axis=1)
        images = tf.nn.conv2d(images, kernel[:, tf.newaxis], 1, "VALID")  # [B, h, s w, s C]
        images = tf.reshape(images, [batch, height, self.scale * width, self.scale, channels])
        images = tf.transpose(images, [0, 1, 3, 2, 4])
        return tf.reshape(images, [batch, self.scale * height, self.scale * width, channels])

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return batch, *(side and side * self.scale for side in (height, width)), channels


def polyphase(kernel, scale):
    """The taps that each of the `scale` samples of a block has for the blocks around its own.

    Args:
      kernel: [L] array, see `zoo.superres.kernels`.
      scale: int.

    Returns:
      [T, scale] array, T odd: output sample p of block i is Σ_t result[t, p] x[i + t - T // 2].
    """
    offset = (len(kernel) - scale) // 2
    reach = -(-offset // scale)
    taps = np.zeros([2 * reach + 1, scale])
    for t, p in np.ndindex(taps.shape):
        index = p + offset - scale * (t - reach)
        if 0 <= index < len(kernel):
            taps[t, p] = kernel[index]
    return taps


@tf.keras.utils.register_keras_serializable(package="toulon")
class AffineProjection(_Resampling):
    """Π: the picture nearest to a candidate that is consistent with a small picture (eq. 7).

        g = f + β A⁺ (x - A f),    A g = x  for β = 1

    to float32 rounding: for pictures in [0, 1], max |A g - x| is below 1e-6 for any sizes, at borders too.

    Inputs are [x, f]: x [batch, h, w, C], f [batch, s h, s w, C], of a float dtype, and any range; outputs are like f,
    float32, and not clipped.

    Source: Sønderby et al. 2017, eq. (7), in the form that takes one A and one A⁺.

    Args:
      scale, kernel: see `Downsample`.

    Raises:
      UserError, ValueError: as `Downsample`; ValueError, f is not s times as large as x.
    """

    def __init__(self, scale=4, kernel="bicubic", **kwargs):
        super().__init__(scale, kernel, **kwargs)
        self.downsample = Downsample(scale, kernel)
        self.upsample = Upsample(scale, kernel)

    def call(self, inputs, strength=1.0):
        """Projects.

        Args:
          inputs: [x, f], see the class.
          strength: β, a number or a tensor that broadcasts to x: 0 leaves f as it is.
        """
        small, candidate = inputs
        self._check(small, "a small picture and a candidate")
        self._check(candidate, "a small picture and a candidate")
        sides = zip(small.shape[1:3], candidate.shape[1:3], strict=True)
        fits = [None in pair or pair[0] * self.scale == pair[1] for pair in sides]
        if not all(fits) or small.shape[-1] != candidate.shape[-1]:
            raise ValueError(
                f"{self.name} takes a candidate {self.scale} times as large as the small picture; "
                f"given {candidate.shape} and {small.shape}."
            )
        return candidate + self.upsample(strength * (small - self.downsample(candidate)))

    def compute_output_shape(self, input_shape):
        return input_shape[1]
