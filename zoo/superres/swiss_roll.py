"""The problem of two dimensions of Sønderby et al. (2017), section 5.1: points of a noisy swiss roll, from the mean of
their coordinates.

A large "picture" is y = (y₁, y₂); the small one is x = A y = (y₁ + y₂) / 2; A⁺ x = (x, x). What A cannot see is
v = (y₁ - y₂) / 2. The density of y is known, so that cross-entropies are numbers and not estimates of a model.
"""

import numpy as np
import tensorflow as tf

NOISE = 0.5  # standard deviation; the paper's is in an appendix that its public text lacks
RADII = 1.5 * np.pi, 4.5 * np.pi  # of the roll, which is also its angle in radians
HIDDEN = (128, 128, 128)
_ANGLES = np.linspace(*RADII, 2001)[:-1] + (RADII[1] - RADII[0]) / 4000  # midpoints: the density's quadrature
_CENTERS = np.stack([_ANGLES * np.cos(_ANGLES), _ANGLES * np.sin(_ANGLES)])  # [2, 2000]
_HALVES = (_CENTERS[0] + _CENTERS[1]) / 2, (_CENTERS[0] - _CENTERS[1]) / 2  # their x and v


def sample(seed, shape):
    """Points of the roll, in the graph: seed, int tensor [2]; shape, list -> [*shape, 2] float32."""
    seeds = tf.random.experimental.stateless_split(seed, 2)
    angle = tf.random.stateless_uniform(shape, seeds[0], *RADII)
    center = tf.stack([angle * tf.cos(angle), angle * tf.sin(angle)], axis=-1)
    return center + NOISE * tf.random.stateless_normal([*shape, 2], seeds[1])


def reduce(y):
    """A y: [..., 2] -> [..., 1]."""
    return tf.reduce_mean(y, axis=-1, keepdims=True)


def project(x, y):
    """The affine projection, y + A⁺ (x - A y): x [..., 1], y [..., 2] -> [..., 2] (eq. 7)."""
    return y + (x - reduce(y))


def log_density(y):
    """Log density log p(y), nats: [n, 2] -> [n] float64, by quadrature over the angle."""
    y = np.asarray(y, np.float64)
    parts = np.array_split(y, max(1, len(y) // 1000))
    return np.concatenate([_log_mean_normal(part) for part in parts])


def _log_mean_normal(y):
    exponents = -((y[:, :1] - _CENTERS[0]) ** 2 + (y[:, 1:] - _CENTERS[1]) ** 2) / (2 * NOISE**2)
    largest = exponents.max(axis=1, keepdims=True)
    mean = np.mean(np.exp(exponents - largest), axis=1)
    return largest[:, 0] + np.log(mean) - np.log(2 * np.pi * NOISE**2)


def most_likely(x):
    """The MAP estimate by brute force, argmax of log p(y) over y with A y = x: [n] -> [n, 2] float64."""
    x = np.asarray(x, np.float64)
    v = np.linspace(-14, 14, 1401)
    # An isotropic normal density is a product in x and v too: all pairs of both are a product of matrices.
    along = np.exp(-((v[:, np.newaxis] - _HALVES[1]) ** 2) / NOISE**2)  # [v, angle]
    best = []
    for part in np.array_split(x, max(1, len(x) // 500)):
        across = np.exp(-((part[:, np.newaxis] - _HALVES[0]) ** 2) / NOISE**2)  # [x, angle]
        best.append(v[np.argmax(across @ along.T, axis=1)])
    best = np.concatenate(best)
    return np.stack([x + best, x - best], axis=1)


def conditional_masses(x, edges):
    """Probabilities p(v | x) of intervals of v: x [n], edges [m + 1] -> [n, m] float64, exact up to the quadrature."""
    from scipy.stats import norm

    deviation = NOISE / np.sqrt(2)  # of x and of v about a centre
    weight = norm.pdf(np.asarray(x)[:, np.newaxis], _HALVES[0], deviation)  # [n, angle]
    within = _normal_masses(edges, _HALVES[1], deviation)  # [m, angle]
    return weight @ within.T / weight.sum(axis=1, keepdims=True)


def mean_and_median(x):
    """The best answers to small pictures by squared and by absolute error: [n] -> two of [n, 2] float64.

    Both coordinates' conditional medians are those of v, as y = (x + v, x - v).
    """
    edges = np.linspace(-16, 16, 3201)
    p = conditional_masses(x, edges)
    means = p @ (edges[:-1] + edges[1:]) / 2
    medians = edges[1:][np.argmax(np.cumsum(p, axis=1) >= 0.5, axis=1)]
    return tuple(np.stack([x + v, x - v], axis=1) for v in (means, medians))


def masses(edges):
    """Probabilities of squares of y: edges [m + 1] -> [m, m] float64, exact up to the quadrature."""
    first, second = (_normal_masses(edges, centers, NOISE) for centers in _CENTERS)
    return first @ second.T / len(_ANGLES)


def _normal_masses(edges, centers, deviation):
    """Normal probabilities of intervals: [m + 1], [n] -> [m, n]; far above the centre as exact as far below."""
    from scipy.special import ndtr

    low = (np.asarray(edges)[:-1, np.newaxis] - centers) / deviation
    high = (np.asarray(edges)[1:, np.newaxis] - centers) / deviation
    return np.where(low > 0, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))


class StackedDense(tf.keras.layers.Layer):
    """A dense layer for several runs at once, each with its own variables: [runs, batch, in] -> [runs, batch, units].

    Args:
      units: int.
      activation: as in `tf.keras.layers.Dense`.
    """

    def __init__(self, units, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = tf.keras.activations.get(activation)

    def build(self, input_shape):
        runs, channels = input_shape[0], input_shape[-1]
        limit = np.sqrt(6 / (channels + self.units))  # Glorot's, of one run
        self.kernel = self.add_weight(
            "kernel",
            [runs, channels, self.units],
            initializer=tf.keras.initializers.RandomUniform(-limit, limit),
        )
        self.bias = self.add_weight("bias", [runs, 1, self.units], initializer="zeros")

    def call(self, inputs):
        return self.activation(inputs @ self.kernel + self.bias)


def make_network(runs, channels_in, channels_out, name):
    """A network of three hidden layers for each of `runs` runs: [runs, batch, in] -> [runs, batch, out]."""
    layers = [StackedDense(units, "relu") for units in HIDDEN]
    network = tf.keras.Sequential([*layers, StackedDense(channels_out)], name=name)
    network.build([runs, None, channels_in])
    return network
