"""Finite-sample expressivity: a small network that has any labels on any points, in closed form."""

import numpy as np
import tensorflow as tf

from zoo.errors import UserError

CANDIDATES = 16  # random directions, of which the best is taken


@tf.keras.utils.register_keras_serializable(package="toulon")
class Projection(tf.keras.layers.Layer):
    """Points along one direction a: [batch, d] -> [batch]."""

    def build(self, input_shape):
        self.direction = self.add_weight("direction", [input_shape[-1]])

    def call(self, x):
        return tf.linalg.matvec(x, self.direction)


@tf.keras.utils.register_keras_serializable(package="toulon")
class Hinges(tf.keras.layers.Layer):
    """Adds Σⱼ wⱼ max(z - bⱼ, 0) to what is there: z [batch], sums [batch, outputs] -> sums [batch, outputs].

    One layer of rectifiers; z and the sums go on as they are. (Rectifiers can do that too, z as max(z - min z, 0) and a sum as
    max(s, 0) - max(-s, 0), so that nothing but width by three is hidden here.)

    Args:
      units: int, hinges.
      outputs: int.
    """

    def __init__(self, units, outputs, **kwargs):
        super().__init__(**kwargs)
        self.units, self.outputs = units, outputs

    def build(self, input_shape):
        self.thresholds = self.add_weight("thresholds", [self.units])
        self.kernel = self.add_weight("kernel", [self.units, self.outputs])

    def call(self, inputs):
        z, sums = inputs
        return sums + tf.nn.relu(z[:, tf.newaxis] - self.thresholds) @ self.kernel

    def get_config(self):
        return super().get_config() | {"units": self.units, "outputs": self.outputs}


def interpolating_network(x, y, depth=2, seed=0):
    """A network of rectifiers that maps points to their labels exactly, up to rounding.

        c(x) = Σⱼ wⱼ max(aᵀx - bⱼ, 0)

    On the line that a random direction a projects the points to, c is the linear spline through them: its knots are the points
    themselves, and its weights differences of slopes. So it takes a sort, O(n log n), where the paper solves a triangular system
    with thresholds between the points; the errors of that grow with n. Weights: 2 n + d for labels of one number.

    Deeper, the hinges are shared out over `depth` - 1 layers of n / (depth - 1).

    All is in float64: slopes are as large as the smallest gap between two points is small. A call takes batch times n numbers
    of memory; `predict` with a `batch_size` does with less.

    Source: Zhang et al. 2017, theorem 1, lemma 1 and appendix C.

    Args:
      x: [n, d] array of distinct points, n >= 2.
      y: [n] or [n, outputs] array, labels.
      depth: int, layers with weights of the network's hidden part and its output: 2 or more.
      seed: int, of the directions that are tried.

    Returns:
      A `tf.keras.Model`, [batch, d] float64 -> [batch] or [batch, outputs] float64.

    Raises:
      UserError: the shapes do not agree, a value is not finite, two points are equal, or the depth leaves layers without hinges.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    labels = y[:, np.newaxis] if y.ndim == 1 else y
    check(x, labels, depth)
    direction, z = spread_out(x, seed)
    order = np.argsort(z)
    thresholds, kernel = spline(z[order], labels[order])

    inputs = tf.keras.Input([x.shape[1]], dtype="float64")
    projection = Projection(dtype="float64", name="projection")
    along = projection(inputs)
    sums = tf.zeros([tf.shape(along)[0], labels.shape[1]], tf.float64)
    parts = np.array_split(np.arange(len(x)), depth - 1)
    layers = []
    for i, part in enumerate(parts):
        layers.append(Hinges(len(part), labels.shape[1], dtype="float64", name=f"hinges_{i}"))
        sums = layers[-1]([along, sums])
    model = tf.keras.Model(inputs, sums[:, 0] if y.ndim == 1 else sums, name="interpolating_network")
    projection.set_weights([direction])
    for layer, part in zip(layers, parts, strict=True):
        layer.set_weights([thresholds[part], kernel[part]])
    return model


def check(x, labels, depth):
    """Raises a `UserError`, see `interpolating_network`."""
    if x.ndim != 2 or labels.ndim != 2 or len(x) != len(labels) or len(x) < 2:
        raise UserError(
            f"x has shape {x.shape} and y {labels.shape}; expected [n, d] and [n] or [n, outputs], n 2 or more."
        )
    if not (np.isfinite(x).all() and np.isfinite(labels).all()):
        raise UserError("x or y holds values that are no finite numbers.")
    if not 2 <= depth <= len(x) + 1:
        raise UserError(f"depth is {depth}; 2 to {len(x) + 1} is expected for {len(x)} points.")
    _, first, inverse = np.unique(x, axis=0, return_index=True, return_inverse=True)
    if len(first) < len(x):
        twice = next(i for i in range(len(x)) if first[inverse.ravel()[i]] != i)
        once = first[inverse.ravel()[twice]]
        what = (
            "different labels"
            if np.any(labels[once] != labels[twice])
            else "one label; leave one of them out"
        )
        raise UserError(f"points {once} and {twice} are equal and have {what}; all points must be distinct.")


def spread_out(x, seed):
    """Of some random directions of length 1 that along which the two nearest points are farthest apart: a [d], x a [n]."""
    rng = np.random.default_rng(seed)
    directions = rng.standard_normal([x.shape[1], CANDIDATES])
    directions /= np.linalg.norm(directions, axis=0)
    along = x @ directions
    gaps = np.diff(np.sort(along, axis=0), axis=0).min(axis=0)
    best = gaps.argmax()
    if gaps[best] <= 0:
        raise UserError(
            "two points are too near to be told apart in float64; subtract the mean of x, or leave one out."
        )
    return directions[:, best], along[:, best]


def spline(z, y):
    """Thresholds and weights of the hinges of a linear spline: z [n] rising, y [n, outputs] -> [n], [n, outputs]."""
    thresholds = np.concatenate([[z[0] - (z[-1] - z[0]) / (len(z) - 1)], z[:-1]])
    slopes = np.diff(y, axis=0, prepend=0) / (z - thresholds)[:, np.newaxis]
    return thresholds, np.diff(slopes, axis=0, prepend=0)
