"""Integer probability tables of a codec, in the order in which its entropy coder uses them."""

import dataclasses

import numpy as np

PRECISION = 12  # bits of a probability
TOTAL = 1 << PRECISION
RUN = 4  # positions, one after the other, that share a choice of tables
_SILENT = TOTAL - 16  # a zero this likely costs so little that its channel may be left out where all are zero


@dataclasses.dataclass(frozen=True)
class Tables:
    """A table for each channel of each quality.

    The tables of a quality are sorted: first those of channels that may be left out where all their symbols are
    zero, then by rising entropy. "Place" means a channel's position in that order.

    Each run of positions takes the tables of one of a few qualities, whichever make its code shortest: pictures are
    smooth here and busy there, and the tables of other qualities are those of latents that are smaller or larger.

    Attributes:
      frequencies: [n] int32, all tables one after the other, place by place and quality by quality. Those of a table
        are positive and sum to 4096; the last is of the escape, which stands for any symbol outside the table.
      bounds: [Q, C + 1] int32, where the table of each place begins, and where the last ends.
      offsets: [Q, C] int32, the symbol that belongs to the first entry of each place's table.
      channels: [Q, C] int32, the channel at each place.
      silent: [Q] int32, how many places, the first ones, may be left out.
      choices: [Q, K] int32, qualities, counted from 1, among whose tables each run of positions has a choice.
    """

    frequencies: np.ndarray
    bounds: np.ndarray
    offsets: np.ndarray
    channels: np.ndarray
    silent: np.ndarray
    choices: np.ndarray

    def arrays(self):
        """The tables as a dict of arrays, for `Tables(**…)`."""
        return dataclasses.asdict(self)

    def by_channel(self):
        """Where the table of each channel begins, its escape's index in it, and its offset: three [Q, C] int32."""
        places = np.argsort(self.channels, axis=1)
        arrays = self.bounds[:, :-1], np.diff(self.bounds) - 1, self.offsets
        return tuple(np.take_along_axis(a, places, axis=1).astype(np.int32) for a in arrays)

    def least_bits(self):
        """What a position of all channels costs at least, in bits: [Q] float64."""
        most = np.maximum.reduceat(self.frequencies, self.bounds[:, :-1].reshape(-1)).reshape(
            self.channels.shape
        )
        least = np.take_along_axis(PRECISION - np.log2(most), np.argsort(self.channels, axis=1), axis=1)
        rows = zip(self.choices, self.channels, self.silent, strict=True)
        least = [least[np.ix_(c - 1, order[silent:])].sum(axis=1).min() for c, order, silent in rows]
        return np.array(least) + np.log2(self.choices.shape[1]) / RUN


def make_tables(cdf, offsets, choices=None):
    """Puts tensorflow-compression's tables in order.

    Args:
      cdf: [n] int32, one table after the other: -12, 0, cumulative frequencies to 4096; the last symbol of a table is the
        escape.
      offsets: [Q, C] int32, the symbol that belongs to the first entry of each table.
      choices: [Q, K] int32, see `Tables`, K a power of two; None for no choice but the own tables.

    Returns:
      `Tables`.

    Raises:
      ValueError: `cdf` or `choices` is not of that form.
    """
    offsets = np.asarray(offsets, np.int32)
    heads = np.flatnonzero(np.asarray(cdf) < 0)
    if len(heads) != offsets.size or not np.all(cdf[heads] == -PRECISION):
        raise ValueError(f"cdf holds {len(heads)} tables; expected {offsets.size} of {PRECISION} bits.")
    own = np.arange(1, len(offsets) + 1, dtype=np.int32)[:, np.newaxis]
    choices = own if choices is None else np.asarray(choices, np.int32)
    count = choices.shape[1]
    if len(choices) != len(own) or count < 1 or count & (count - 1) or not np.all(np.isin(choices, own)):
        raise ValueError(
            f"choices has shape {choices.shape}; expected a row for each of {len(own)} qualities, of 1, 2, 4, … of them."
        )
    rows = [np.diff(row[1:]) for row in np.split(np.asarray(cdf, np.int32), heads[1:])]
    if any(row.min() < 1 or row.sum() != TOTAL for row in rows):
        raise ValueError(f"a table of cdf has empty entries or does not end at {TOTAL}.")
    rows = [rows[first : first + offsets.shape[1]] for first in range(0, len(rows), offsets.shape[1])]
    ordered, channels, silent = [], [], []
    for tables, offset in zip(rows, offsets, strict=True):
        quiet = np.array([_probability_of_zero(t, o) >= _SILENT for t, o in zip(tables, offset, strict=True)])
        order = np.lexsort([[_entropy(t) for t in tables], ~quiet])
        ordered += [tables[channel] for channel in order]
        channels.append(order)
        silent.append(quiet.sum())
    lengths = np.array([len(t) for t in ordered]).reshape(offsets.shape)
    first = np.append(0, np.cumsum(lengths))
    return Tables(
        frequencies=np.concatenate(ordered).astype(np.int32),
        bounds=np.stack([first[q * lengths.shape[1] :][: lengths.shape[1] + 1] for q in range(len(lengths))]).astype(np.int32),
        offsets=np.take_along_axis(offsets, np.array(channels), axis=1),
        channels=np.array(channels, np.int32),
        silent=np.array(silent, np.int32),
        choices=choices,
    )  # fmt: skip


def _entropy(table):
    return -np.sum(table / TOTAL * np.log2(table / TOTAL))


def _probability_of_zero(table, offset):
    return table[-offset] if 0 <= -offset < len(table) - 1 else 0
