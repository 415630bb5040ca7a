"""How far a picture is from what was compressed: what the codec is trained for."""

import tensorflow as tf

from zoo.metrics.ms_ssim_graph import ms_ssim_to_the_border


def mean_squared_error(images, reconstructions):
    """Mean squared error of pixel values from 0 to 255: [batch, height, width, 3] in [0, 1] -> [batch]."""
    return 255**2 * tf.reduce_mean(tf.math.squared_difference(images, reconstructions), axis=(1, 2, 3))


def ms_ssim_error(images, reconstructions):
    """255² (1 - MS-SSIM) of RGB, borders included: [batch, height, width, 3] in [0, 1] -> [batch]."""
    return 255**2 * (1 - ms_ssim_to_the_border(images, tf.clip_by_value(reconstructions, 0, 1)))


DISTORTIONS = {"mse": mean_squared_error, "ms_ssim": ms_ssim_error}
