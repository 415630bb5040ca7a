"""Large pictures in bounded memory: tile by tile, with margins as wide as the function looks."""

import math

import numpy as np


def by_tiles(function, source, target, scale, tile, margin):
    """Fills `target` with `function(source)`, tile by tile.

    Equal to the function of the whole where no sample of its result depends on inputs further away than `margin`: of
    each tile's result, what belongs to its margins is thrown away.

    Args:
      function: takes [h, w, …] and returns [⌈h scale⌉, ⌈w scale⌉, …].
      source: [height, width, …] array.
      target: [⌈height scale⌉, ⌈width scale⌉, …] array to fill.
      scale: int or `fractions.Fraction`, samples of the result per sample of `source`, each way.
      tile: int, side of a tile in samples of `source`, without margins; `tile * scale` is an integer.
      margin: int, samples of `source`; `margin * scale` is an integer.
    """

    def spans(size):
        for start in range(0, size, tile):
            stop, outer = min(start + tile, size), max(0, start - margin)
            inner = slice(int((start - outer) * scale), math.ceil((stop - outer) * scale))
            yield slice(outer, stop + margin), inner, slice(int(start * scale), math.ceil(stop * scale))

    for rows, inner_rows, target_rows in spans(source.shape[0]):
        for columns, inner_columns, target_columns in spans(source.shape[1]):
            part = np.asarray(function(source[rows, columns]))
            target[target_rows, target_columns] = part[inner_rows, inner_columns]
