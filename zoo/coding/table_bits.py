"""The length of the entropy coder's code, from its tables."""

import numpy as np
import tensorflow as tf

from zoo.coding.bits import varint_bytes
from zoo.coding.tables import PRECISION, RUN


def row(table, quality=None):
    """The row of a table [Q, C] for each quality, int32 from 1 on: [B] -> [B, 1, 1, C], [B, h, w] -> [B, h, w, C].

    [C] for a codec of one rate, where quality is None.
    """
    if quality is None:
        return table[0]
    rows = tf.gather(table, quality - 1)
    return rows[:, tf.newaxis, tf.newaxis] if quality.shape.rank == 1 else rows


def cheapest(cost, count):
    """Which of some alternatives costs least in each run of positions.

    Args:
      cost: function of a number from 0 on, scalar int32, that gives what each position costs, [n, …].
      count: int, how many alternatives there are.

    Returns:
      [⌈n / RUN⌉, …] int32, numbers; of equals the first.
    """

    def compare(k, best, least):
        other = _sum_runs(cost(k))
        return k + 1, tf.where(other < least, k, best), tf.minimum(other, least)

    least = _sum_runs(cost(tf.constant(0)))
    start = tf.constant(1), tf.zeros_like(least, tf.int32), least
    any_size = tf.TensorShape([None] * least.shape.rank)
    # One at a time, in the memory of one.
    return tf.while_loop(
        lambda k, *_: k < count,
        compare,
        start,
        (tf.TensorShape([]), any_size, any_size),
        parallel_iterations=1,
    )[1]


def _sum_runs(costs):
    """[n, …] -> [⌈n / RUN⌉, …]."""
    free = tf.math.floormod(-tf.shape(costs)[0], RUN)
    costs = tf.pad(costs, [[0, free]] + [[0, 0]] * (costs.shape.rank - 1))
    return tf.reduce_sum(tf.reshape(costs, tf.concat([[-1, RUN], tf.shape(costs)[1:]], 0)), axis=1)


def spread_runs(values, count):
    """To each of `count` positions what its run has: [⌈count / RUN⌉, …] -> [count, …]."""
    spread = tf.tile(values[:, tf.newaxis], [1, RUN] + [1] * (values.shape.rank - 1))
    return tf.reshape(spread, tf.concat([[-1], tf.shape(values)[1:]], 0))[:count]


def choose(bits, choices, shape):
    """What costs least in each run of pictures' latents, row by row.

    Args:
      bits: function of a choice for each picture, [B], that gives what positions cost, [B, h, w].
      choices: [B, K].
      shape: int32 tensor, B, h, w.

    Returns:
      [B, h, w], of `choices`.
    """
    best = cheapest(lambda k: tf.transpose(tf.reshape(bits(choices[:, k]), [shape[0], -1])), choices.shape[1])
    best = tf.transpose(spread_runs(best, shape[1] * shape[2]))  # [B, h w]
    return tf.reshape(tf.gather(choices, best, batch_dims=1), shape)


def choice_bits(choices, positions):
    """What saying a picture's choices takes, in bits: K, scalar int32 -> scalar float32."""
    return tf.cast(-(-positions // RUN), tf.float32) * np.log2(choices).astype(np.float32)


class TableBits:
    """What symbols cost: -log2 of their integer probabilities, and bytes for those that are escaped.

    The coder itself adds about a hundredth.

    Args:
      tables: `zoo.coding.tables.Tables`.
    """

    def __init__(self, tables):
        bits = PRECISION - np.log2(tables.frequencies)
        self._bits = tf.Variable(bits.astype(np.float32), trainable=False)
        arrays = *tables.by_channel(), tables.choices
        self._first, self._escape, self._offset, self._choices = (
            tf.Variable(array, trainable=False) for array in arrays
        )

    def of_symbols(self, symbols, quality=None):
        """The bits of each symbol, by the tables of one quality.

        Args:
          symbols: [B, h, w, C] int32.
          quality: int32, whose tables: [B], or [B, h, w], see `choose`; None for a codec of one rate.

        Returns:
          [B, h, w, C] float32.
        """
        first, escape, offset = (row(table, quality) for table in (self._first, self._escape, self._offset))
        index = symbols - offset
        escaped = (index < 0) | (index >= escape)
        beyond = tf.where(index < 0, -2 * index - 1, 2 * (index - escape))
        bits = tf.gather(self._bits, first + tf.where(escaped, escape, index))
        return bits + tf.where(escaped, 8.0 * tf.cast(varint_bytes(beyond), tf.float32), 0.0)

    def choose(self, symbols, quality):
        """The quality whose tables each position takes: [B, h, w, C] int32, [B] int32 -> [B, h, w] int32."""
        choices = tf.gather(self._choices, quality - 1)
        shape = tf.shape(symbols)[:3]
        return choose(lambda q: tf.reduce_sum(self.of_symbols(symbols, q), axis=-1), choices, shape)

    def __call__(self, symbols, quality=None):
        """The bits of each picture: [B, h, w, C] int32, [B] int32 (None for one rate) -> [B] float32."""
        shape, count = tf.shape(symbols), self._choices.shape[1]
        tables = self.choose(symbols, quality) if count > 1 else quality
        bits = tf.reduce_sum(self.of_symbols(symbols, tables), axis=(1, 2, 3))
        return bits + choice_bits(count, shape[1] * shape[2])
