"""Trainings side by side, for experiments: in one graph, over data in memory, measured on the way."""

import dataclasses
import functools
import itertools
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from scipy.ndimage import median_filter
from scipy.stats import spearmanr

from zoo.errors import UserError
from zoo.gan.config import GANConfig
from zoo.gan.model import GAN
from zoo.optimizers.rmsprop import RMSProp

CHECKPOINTS = 8  # of a run, at which it is measured
WINDOW = 100  # steps over which what a checkpoint reports is averaged
MEDIAN = 101  # turns, of the filter of curves, as in the authors' figures
POINTS = 300  # of a curve, about
CHUNK = 100  # steps compiled as a whole


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
      networks: dict, of `GANConfig`: shape, generator, critic and their sizes; no warm-up.
      draw: function in the graph, (seed, int64 tensor [2]; count) -> [count, *shape] float32, real examples.
      batch_size: int.
      seed: int.
      jit_compile: bool; for networks of dense layers. XLA's convolutions are slow on a CPU.

    Attributes:
      model: the `GAN`.
      turns: int array, turns of the generator done at each point of `curve`.
      curve: the estimate over the run so far, median-filtered as in the paper's figures.
    """

    def __init__(self, method, networks, draw, batch_size, seed, jit_compile):
        tf.keras.utils.set_random_seed(seed)
        self.seed, self._draw, self._batch_size = seed, draw, batch_size
        self.model = GAN(GANConfig.suited(**({"warmup_turns": 0} | networks | method.config)))
        if self.model.config.warmup_turns:
            raise UserError("warmup_turns must be 0: turns are counted as equally long.")
        self.model.compile(method.optimizer(), generator_optimizer=method.optimizer())
        self._step = tf.function(self.model.train_step, jit_compile=jit_compile)
        # Compiled as a whole, steps cost a third: each would else be launched by itself. XLA wants to know how many, and is
        # given the examples, as it has random numbers of its own.
        self._chunk = tf.function(self._steps, jit_compile=True) if jit_compile else None
        self._rest = tf.function(functools.partial(self._steps, train_step=self._step), reduce_retracing=True)
        self.turns, self.curve = np.zeros([0], int), np.zeros([0])

    def train(self, first, last):
        """Steps of the critic from `first` to before `last`, ints.

        Returns:
          dict: the means of what they report since metrics were reset, but for "estimate", that of the last step; and
          "estimates", that of each step.
        """
        estimates = []
        for start in range(first, last, CHUNK):
            count = min(CHUNK, last - start)
            run = self._chunk if self._chunk and count == CHUNK else self._rest
            start = tf.constant(start, tf.int64)
            estimates.append(run(start, self._examples(start, tf.constant(count))))
        logs = {metric.name: metric.result() for metric in self.model.metrics}
        return logs | {"estimates": tf.concat(estimates or [tf.zeros([0])], 0)}

    @tf.function
    def _examples(self, first, count):
        """What the steps from `first` on learn from: [count, batch, *shape]."""
        steps = first + tf.range(tf.cast(count, tf.int64))

        def draw(step):
            return self._draw(tf.stack([tf.constant(self.seed, tf.int64), step]), self._batch_size)

        return tf.map_fn(draw, steps, fn_output_signature=tf.float32)

    def _steps(self, first, examples, train_step=None):
        """The estimates of the steps from `first` on: [count] float32."""
        numbers = tf.range(self._batch_size, dtype=tf.int64)
        count = tf.shape(examples)[0] if examples.shape[0] is None else examples.shape[0]
        estimates = tf.TensorArray(tf.float32, count)
        tracker = self.model.trackers["estimate"]
        for i in tf.range(count):
            step = first + tf.cast(i, tf.int64)
            seeds = tf.stack(
                [tf.fill([self._batch_size], step), self.seed * self._batch_size + numbers], axis=1
            )
            tracker.reset_state()
            (train_step or self.model.train_step)({"image": examples[i], "seed": seeds})
            estimates = estimates.write(i, tracker.result())
        return estimates.stack()

    def run(self, turns, measure, checkpoints=CHECKPOINTS):
        """Trains for so many turns of the generator and measures on the way.

        Args:
          turns: int, at least `checkpoints`.
          measure: function () -> dict, at each checkpoint.
          checkpoints: int.

        Returns:
          A list of dicts: turns, what training reported over the last steps, see `GAN`, and what `measure` gives.

        Raises:
          UserError: a loss is not a number.
        """
        every = self.model.config.critic_steps
        edges = every * np.linspace(0, turns, checkpoints + 1).round().astype(int)
        rows, estimates = [], []
        for start, stop in itertools.pairwise(edges):
            late = max(start, stop - WINDOW)
            estimates.append(self._train(start, late)["estimates"])
            self.model.reset_metrics()
            logs = self._train(late, stop)
            estimates.append(logs.pop("estimates"))
            told = {key: float(value) for key, value in logs.items()}
            told["estimate"] = float(estimates[-1].mean())
            if not np.isfinite(list(told.values())).all():
                raise UserError(f"training gives no numbers after {stop // every} turns: {told}.")
            rows.append({"turns": int(stop // every)} | told | measure())
        of_turns = np.concatenate(estimates)[every - 1 :: every]
        self.turns = np.arange(1, 1 + len(of_turns), max(1, len(of_turns) // POINTS))
        self.curve = median_filter(of_turns, MEDIAN, mode="nearest")[self.turns - 1]
        return rows

    def _train(self, first, last):
        logs = self.train(int(first), int(last))
        return {key: value.numpy() for key, value in logs.items()}


def tracks(rows, badness):
    """Rank correlation of the estimate with how bad samples are, over the checkpoints of a run: float, or None if these
    are all equally bad.

    Args:
      rows: see `InGraphRun.run`.
      badness: function of a row to a number.
    """
    bad = [badness(row) for row in rows]
    return None if len(set(bad)) == 1 else float(spearmanr([row["estimate"] for row in rows], bad)[0])
