"""Distributions of the plane on which what a generator misses can be counted."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Mixture:
    """Equally likely Gaussians: modes.

    Attributes:
      centers: [modes, 2] float32.
      deviation: float, of each.
    """

    centers: np.ndarray
    deviation: float

    def sample(self, seed, count):
        """Points in the graph: int tensor [2] -> [count, 2] float32."""
        seeds = tf.random.experimental.stateless_split(seed, 2)
        mode = tf.random.stateless_uniform([count], seeds[0], 0, len(self.centers), tf.int32)
        noise = tf.random.stateless_normal([count, 2], seeds[1])
        return tf.gather(tf.constant(self.centers), mode) + self.deviation * noise


@dataclasses.dataclass(frozen=True)
class Curve:
    """A distribution without modes, by its function (seed, count) -> points.

    Attributes:
      sample: see `Mixture.sample`.
    """

    sample: Callable


def ring():
    """Eight Gaussians on a circle of radius 1.41 (Gulrajani et al. 2017)."""
    angles = 2 * np.pi * np.arange(8) / 8
    centers = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1) / 1.414
    return Mixture(centers.astype(np.float32), 0.02 / 1.414)


def grid():
    """25 Gaussians on a square lattice (Gulrajani et al. 2017)."""
    axis = 2 * np.arange(-2, 3)
    centers = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2) / 2.828
    return Mixture(centers.astype(np.float32), 0.05 / 2.828)


def swiss_roll():
    """A noisy spiral (Gulrajani et al. 2017; scikit-learn's, two of its three coordinates)."""

    def sample(seed, count):
        seeds = tf.random.experimental.stateless_split(seed, 2)
        angle = 1.5 * math.pi * (1 + 2 * tf.random.stateless_uniform([count], seeds[0]))
        points = tf.stack([angle * tf.cos(angle), angle * tf.sin(angle)], axis=1)
        return (points + 0.25 * tf.random.stateless_normal([count, 2], seeds[1])) / 7.5

    return Curve(sample)


def manifold():
    """A surface in 64 dimensions: tanh of random combinations of two normal numbers.

    Two surfaces hardly ever meet there, as photographs and generated pictures do not: a discriminator can be perfect.
    """
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 64)), rng.normal(size=(64, 64)) / 8

    def sample(seed, count):
        points = tf.random.stateless_normal([count, 2], seed)
        hidden = tf.tanh(points @ tf.constant(first, tf.float32))
        return tf.tanh(hidden @ tf.constant(second, tf.float32))

    return Curve(sample)


DATA = {"ring": ring, "grid": grid, "swiss-roll": swiss_roll}
