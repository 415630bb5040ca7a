"""Trainings side by side, for experiments: in one graph, over data in memory, measured on the way."""

import dataclasses
import itertools
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from scipy.stats import spearmanr

from zoo.gan.config import GANConfig
from zoo.gan.model import GAN
from zoo.optimizers.rmsprop import RMSProp

CHECKPOINTS = 8  # of a run, at which it is measured
WINDOW = 100  # steps over which the estimate of a checkpoint is averaged


@dataclasses.dataclass(frozen=True)
class Method:
    """How the two players are trained.

    Attributes:
      label: str, for tables.
      optimizer: function () -> optimizer, for either player.
      config: dict, of `GANConfig`, beside the networks.
    """

    label: str
    optimizer: Callable
    config: dict


def adam(rate, beta_2):
    """A maker of Adam with β₁ = 0.5, as all DCGANs have it."""
    return lambda: tf.keras.optimizers.Adam(rate, beta_1=0.5, beta_2=beta_2)


def rmsprop(rate):
    """A maker of RMSProp as published."""
    return lambda: RMSProp(rate)


class InGraphRun:
    """A training; each step's examples and noise are a function of (seed, step).

    Args:
      method: a `Method`.
      networks: dict, of `GANConfig`: shape, generator, critic and their sizes.
      draw: function in the graph, (seed, int64 tensor [2]; count) -> [count, *shape] float32, real examples.
      batch_size: int.
      seed: int.
      jit_compile: bool; for networks of dense layers. XLA's convolutions are slow on a CPU.
    """

    def __init__(self, method, networks, draw, batch_size, seed, jit_compile):
        tf.keras.utils.set_random_seed(seed)
        self.seed, self._draw, self._batch_size = seed, draw, batch_size
        self.model = GAN(GANConfig(**(networks | method.config)))
        self.model.compile(method.optimizer(), generator_optimizer=method.optimizer())
        self._step = tf.function(self.model.train_step, jit_compile=jit_compile)

    @tf.function
    def train(self, first, last):
        """Steps of the critic from `first` to before `last`, scalar int64; the means of what they report."""
        numbers = tf.range(self._batch_size, dtype=tf.int64)
        for step in tf.range(first, last):
            image = self._draw(tf.stack([tf.constant(self.seed, tf.int64), step]), self._batch_size)
            seeds = tf.stack(
                [tf.fill([self._batch_size], step), self.seed * self._batch_size + numbers], axis=1
            )
            self._step({"image": image, "seed": seeds})
        return {metric.name: metric.result() for metric in self.model.metrics}

    def run(self, turns, measure, checkpoints=CHECKPOINTS):
        """Trains for so many turns of the generator and measures on the way.

        Args:
          turns: int, at least `checkpoints`.
          measure: function () -> dict, at each checkpoint.
          checkpoints: int.

        Returns:
          A list of dicts: turns, what training reported over the last steps, see `GAN`, and what `measure` gives.
        """
        every = self.model.config.critic_steps
        edges = every * np.linspace(0, turns, checkpoints + 1).round().astype(int)
        rows = []
        for start, stop in itertools.pairwise(edges):
            late = max(start, stop - WINDOW)
            self.train(tf.constant(start, tf.int64), tf.constant(late, tf.int64))
            self.model.reset_metrics()
            logs = self.train(tf.constant(late, tf.int64), tf.constant(stop, tf.int64))
            told = {key: float(value) for key, value in logs.items()}
            rows.append({"turns": int(stop // every)} | told | measure())
        return rows


def tracks(rows, badness):
    """Rank correlation of the estimate with how bad samples are, over the checkpoints of a run: float.

    Args:
      rows: see `InGraphRun.run`.
      badness: function of a row to a number.
    """
    return float(spearmanr([row["estimate"] for row in rows], [badness(row) for row in rows])[0])
