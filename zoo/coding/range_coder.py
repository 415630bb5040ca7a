"""tensorflow-compression's range coder, with tables that were made once."""

import numpy as np
import tensorflow as tf

from zoo.errors import UserError

STRIP = 2**22  # symbols coded at a time


class RangeCoder:
    """Codes integers with a table for each channel.

    Args:
      cdf: [n] int32, the tables one after the other, each -precision, 0, …, 2^precision; the last symbol of a table
        is the escape for whatever lies outside it.
      offset: [C] int32, the integer that belongs to the first symbol of each table.

    Raises:
      UserError: tensorflow-compression is not installed.
    """

    def __init__(self, cdf, offset):
        try:
            from tensorflow_compression.python.ops import gen_ops
        except ImportError:
            raise UserError(
                "the range coder needs tensorflow-compression: pip install 'toulon[train]' (Python 3.10 or 3.11)."
            ) from None
        self._ops = gen_ops
        self._cdf, self._offset = np.asarray(cdf, np.int32), np.asarray(offset, np.int32)
        # What the likeliest symbols of all channels cost: no stream is shorter.
        bounds = np.split(self._cdf, np.flatnonzero(self._cdf < 0)[1:])
        precision = -int(self._cdf[0])
        self._least_bits = sum(precision - np.log2(np.diff(table[1:]).max()) for table in bounds)

    def encode(self, symbols):
        """[h, w, C] integers -> bytes."""
        handle = self._ops.create_range_encoder([], self._cdf)
        for rows in self._strips(*symbols.shape[:2]):
            handle = self._ops.entropy_encode_channel(handle, symbols[rows].astype(np.int32) - self._offset)
        return self._ops.entropy_encode_finalize(handle).numpy()

    def decode(self, data, height, width):
        """Bytes -> [height, width, C] int16.

        Raises:
          UserError: the bytes are not what `encode` made of such an array.
        """
        damaged = UserError("the file is damaged: its payload cannot be decoded.")
        # Before anything of that size is made. The coder may leave out what follows from the last bytes.
        if 8 * len(data) + 64 < self._least_bits * height * width:
            raise damaged
        symbols = np.empty([height, width, len(self._offset)], np.int16)
        limits = np.iinfo(np.int16)
        try:
            handle = self._ops.create_range_decoder(tf.constant(data), self._cdf)
            for rows in self._strips(height, width):
                shape = [rows.stop - rows.start, *symbols.shape[1:]]
                handle, strip = self._ops.entropy_decode_channel(handle, shape, tf.int32)
                strip = strip.numpy() + self._offset
                if strip.min() < limits.min or strip.max() > limits.max:
                    raise damaged
                symbols[rows] = strip
            if not self._ops.entropy_decode_finalize(handle):
                raise damaged
        except tf.errors.OpError:
            raise damaged from None
        return symbols

    def _strips(self, height, width):
        rows = max(1, STRIP // (width * len(self._offset)))
        return [slice(row, min(row + rows, height)) for row in range(0, height, rows)]
