import numpy as np
import pytest
import tensorflow as tf
import tensorflow_compression as tfc

from zoo.layers.rdft import MatrixRDFTParameter, inverse_rdft_matrices


@pytest.mark.parametrize("shape", [(9, 9, 3, 4), (5, 5, 4, 2), (4, 6, 1, 2)])
def test_the_kernel_is_the_librarys(shape):
    kernel = tf.random.stateless_normal(shape, [1, 2])
    np.testing.assert_allclose(MatrixRDFTParameter(kernel)(), kernel, atol=1e-5)
    np.testing.assert_allclose(MatrixRDFTParameter(kernel)(), tfc.RDFTParameter(kernel)(), atol=1e-5)


def test_gradients_are_the_librarys():
    kernel = tf.random.stateless_normal([5, 5, 3, 2], [1, 2])
    weight = tf.random.stateless_normal([5, 5, 3, 2], [3, 4])
    gradients = []
    for parameter in (MatrixRDFTParameter(kernel), tfc.RDFTParameter(kernel)):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(parameter()) * weight)
        gradients.append(tape.gradient(loss, [parameter.real, parameter.imag]))
    for ours, theirs in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_kernels_come_in_the_asked_precision():
    kernel = tf.random.stateless_normal([5, 5, 3, 2], [1, 2])
    half = MatrixRDFTParameter(kernel)(compute_dtype=tf.bfloat16)
    assert half.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(half, tf.float32), kernel, atol=2e-2)


def test_matrices_invert_numpys_transform(noise):
    kernel = noise.normal(size=(7, 4))
    from_real, from_imag = inverse_rdft_matrices(7, 4)
    spectrum = np.fft.rfft2(kernel).reshape(-1) / np.sqrt(kernel.size)
    np.testing.assert_allclose(
        spectrum.real @ from_real + spectrum.imag @ from_imag, kernel.reshape(-1), atol=1e-6
    )
