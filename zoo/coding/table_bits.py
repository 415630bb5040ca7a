"""The length of the entropy coder's code, from its tables."""

import numpy as np
import tensorflow as tf

from zoo.coding.bits import varint_bytes
from zoo.coding.tables import PRECISION


def row(table, quality=None):
    """The row of a table [Q, C] for the quality of each picture, [B] int32 from 1 on: [B, 1, 1, C].

    [C] for a codec of one rate, where quality is None.
    """
    if quality is None:
        return table[0]
    return tf.gather(table, quality - 1)[:, tf.newaxis, tf.newaxis]


class TableBits:
    """What symbols cost: -log2 of their integer probabilities, and bytes for those that are escaped.

    The coder itself adds about a hundredth.

    Args:
      tables: `zoo.coding.tables.Tables`.
    """

    def __init__(self, tables):
        bits = PRECISION - np.log2(tables.frequencies)
        places = np.argsort(tables.channels, axis=1)  # of each channel

        def by_channel(values):
            return tf.Variable(np.take_along_axis(values, places, axis=1).astype(np.int32), trainable=False)

        self._bits = tf.Variable(bits.astype(np.float32), trainable=False)
        self._first = by_channel(tables.bounds[:, :-1])
        self._escape = by_channel(np.diff(tables.bounds) - 1)
        self._offset = by_channel(tables.offsets)

    def of_symbols(self, symbols, quality=None):
        """The bits of each symbol: [B, h, w, C] int32, [B] int32 (None for one rate) -> [B, h, w, C] float32."""
        first, escape, offset = (row(table, quality) for table in (self._first, self._escape, self._offset))
        index = symbols - offset
        escaped = (index < 0) | (index >= escape)
        beyond = tf.where(index < 0, -2 * index - 1, 2 * (index - escape))
        bits = tf.gather(self._bits, first + tf.where(escaped, escape, index))
        return bits + tf.where(escaped, 8.0 * tf.cast(varint_bytes(beyond), tf.float32), 0.0)

    def __call__(self, symbols, quality=None):
        """The bits of each picture: [B, h, w, C] int32, [B] int32 (None for one rate) -> [B] float32."""
        return tf.reduce_sum(self.of_symbols(symbols, quality), axis=(1, 2, 3))
