"""Entropy coding in stock TensorFlow ops: interleaved range variants of asymmetric numeral systems (rANS).

The same graph runs in TensorFlow, in TF Serving and, of built-in ops only, in TFLite, and gives the same bytes. The
state of a lane is an int32 from 2^15 to 2^31 - 1; words that go in and out have 16 bits, probabilities 12. Many lanes
code at once, and each costs about 24 bits at the end. So the last symbols are coded first, by a sixteenth of the
lanes; the words that this gives become the initial states of the other lanes, which return them when they are done:
about 4 bits a lane are left. The format, byte by byte, is in FORMAT.md.

Source: Duda 2013, "Asymmetric numeral systems"; lanes as in Giesen 2014, "Interleaved entropy coders".
"""

import numpy as np
import tensorflow as tf

from zoo.coding import bits
from zoo.coding.table_bits import cheapest, spread_runs
from zoo.coding.tables import PRECISION, RUN, TOTAL

LOW = 1 << 15  # the least state
BLOCK = 16  # steps of a lane in one pass of a loop
STRIP = 1 << 21  # symbols that are coded together
HEADER = 14  # bytes of a strip's header
LANES_RATIO = 16  # lanes of the main part for each of the tail
MAX_TAIL_LANES = 256
MAX_TAIL_BLOCKS = 256
MAX_STEPS = 4096  # of the main part
BITS_PER_TAIL_LANE = 9600  # a lane of the tail and sixteen others cost 0.8 % of so many
MAX_SYMBOL = 1 << 24
_COST = np.round(16 * (PRECISION - np.log2(np.maximum(np.arange(TOTAL + 1), 1)))).astype(np.int32)  # 1/16 bit
_VECTOR = tf.TensorSpec([None], tf.int32)
_TRIANGLE = np.triu(np.ones([128, 128], np.float32))


class RansCoder(tf.Module):
    """Codes integers with tables that were made once.

    Args:
      tables: `zoo.coding.tables.Tables`.

    Attributes:
      channels: int.
      positions: int, how many positions of all channels make a strip.
    """

    def __init__(self, tables, name="rans"):
        super().__init__(name=name)
        self.channels = tables.channels.shape[1]
        self.positions = max(1, STRIP // self.channels)
        begin, escape, offsets = tables.by_channel()
        arrays = {
            "frequencies": tables.frequencies,
            "begin": begin,
            "escape": escape,
            "offsets": offsets,
            "channels": tables.channels,
            "silent": tables.silent,
            "choices": tables.choices,
            "least": np.floor(16 * tables.least_bits()).astype(np.int32),  # 1/16 bit
        }
        self._tables = {key: tf.Variable(value, trainable=False) for key, value in arrays.items()}

    def encode(self, symbols, quality):
        """Codes symbols.

        Args:
          symbols: [n, C] int32; what is beyond ±2^24 is clipped.
          quality: scalar int32 from 1 on.

        Returns:
          [m] uint8: strips, one after the other.
        """
        symbols = tf.clip_by_value(symbols, -MAX_SYMBOL, MAX_SYMBOL)
        table = self._of_quality(quality)
        data = tf.zeros([0], tf.uint8)
        for strip in tf.range(self._strips(tf.shape(symbols)[0])):
            tf.autograph.experimental.set_loop_options(shape_invariants=[(data, tf.TensorShape([None]))])
            first = strip * self.positions
            coded = _encode_strip(table, symbols[first : first + self.positions])
            data = tf.concat([data, tf.cast(coded, tf.uint8)], 0)
        return data

    def decode(self, data, count, quality):
        """Restores symbols.

        Time and memory are bounded by `count`, whatever the bytes are, and, for what states mean in all tables of a
        strip, by some 16 K C KiB; see `plausible`.

        Args:
          data: [m] uint8.
          count: scalar int32, positions n.
          quality: scalar int32 from 1 on.

        Returns:
          [n, C] int32 symbols, and a bool, whether `data` is what `encode` made of so many. If it is false they are
          anything.
        """
        data = tf.cast(data, tf.int32)
        table = self._of_quality(quality)
        symbols = tf.zeros([0, self.channels], tf.int32)
        right = tf.constant(True)
        for strip in tf.range(self._strips(count)):
            tf.autograph.experimental.set_loop_options(
                shape_invariants=[
                    (data, tf.TensorShape([None])),
                    (symbols, tf.TensorShape([None, self.channels])),
                ]
            )
            size = tf.minimum(self.positions, count - strip * self.positions)
            restored, used, fits = _decode_strip(table, data, size)
            right = right & fits
            data = data[used:]
            symbols = tf.concat([symbols, restored], 0)
        return symbols, right & (tf.size(data) == 0)

    def plausible(self, size, count, quality):
        """Whether `size` bytes can hold as many as `count` positions: scalar bool. To be asked before `decode`."""
        return tf.gather(self._tables["least"], quality - 1) * count <= 128 * tf.minimum(size, 1 << 23) + 1024

    def _strips(self, count):
        return (count + self.positions - 1) // self.positions

    def _of_quality(self, quality):
        """The tables that a quality chooses among, K of them for each place.

        Returns:
          dict: begin, escape and offsets, [K, places] int32, see `Tables.by_channel`; channels, silent; frequencies
          and starts of all entries there are.
        """
        own = {key: tf.gather(self._tables[key], quality - 1) for key in ("channels", "silent", "choices")}

        def by_place(table):
            return tf.gather(tf.gather(table, own["choices"] - 1), own["channels"], axis=1)

        # The sum is zero, but no converter to TFLite can know, fold it and keep everything that follows twice.
        frequencies = self._tables["frequencies"] + tf.minimum(quality, 0)
        starts = tf.math.floormod(tf.cumsum(frequencies, exclusive=True), TOTAL)
        rows = {key: by_place(self._tables[key]) for key in ("begin", "escape", "offsets")}
        return own | rows | {"frequencies": frequencies, "starts": starts}


def _encode_strip(table, symbols):
    """[n, C] int32 -> bytes of a strip, int32."""
    channels = tf.shape(symbols)[1]
    values = tf.gather(tf.transpose(symbols), table["channels"])  # [places, n]
    places = tf.range(channels)
    active = (places >= table["silent"]) | tf.reduce_any(tf.not_equal(values, 0), axis=1)
    first = channels - tf.reduce_max(tf.where(active, channels - places, 0))
    coded = tf.boolean_mask(places, active)
    values = tf.gather(values, coded)  # [A, n]
    chosen, rows = _choose(table, values, coded)
    entries, escaped, beyond = _to_entries(rows, values)
    frequencies = tf.gather(table["frequencies"], entries)
    cost = tf.reduce_sum(tf.bitwise.right_shift(tf.reduce_sum(tf.gather(_COST, frequencies), axis=1), 4))
    frequencies = tf.reshape(frequencies, [-1])
    starts = tf.reshape(tf.gather(table["starts"], entries), [-1])
    total = tf.size(frequencies)
    tail_lanes = tf.clip_by_value(cost // BITS_PER_TAIL_LANE, 1, MAX_TAIL_LANES)
    tail_lanes = tf.maximum(tail_lanes, _ceil_div(total, MAX_STEPS * LANES_RATIO))
    lanes = tail_lanes * LANES_RATIO

    tail_states, tail_words, blocks = _encode_tail(frequencies, starts, tail_lanes)
    main = tf.maximum(total - blocks * BLOCK * tail_lanes, 0)
    seeds = tf.where(main > 0, lanes, 0)
    states = (1 << 16) + tf.concat([tail_words, tf.zeros([lanes], tf.int32)], 0)[:seeds]
    states, words = _encode_main(frequencies[:main], starts[:main], states, lanes)
    words = tf.concat([words, tail_words[seeds:]], 0)
    escapes = bits.pack_varints(tf.boolean_mask(beyond, escaped))
    bitmap = tf.cast(active[first : tf.maximum(table["silent"], first)], tf.int32)
    body = tf.concat(
        [
            bits.pack_bits(bitmap, tf.ones_like(bitmap)),
            bits.pack_bits(chosen, tf.fill(tf.shape(chosen), _choice_bits(table))),
            *_pack_states(tf.concat([states, tail_states], 0)),
            bits.to_bytes(words, 2),
            escapes,
        ],
        0,
    )
    sizes = bits.to_bytes(tf.stack([HEADER + tf.size(body), tf.size(escapes)]), 4)
    return tf.concat([sizes, bits.to_bytes(tf.stack([first, tail_lanes, blocks]), 2), body], 0)


def _choice_bits(table):
    """How many bits say what a run has chosen."""
    return table["choices"].shape[0].bit_length() - 1


def _choose(table, values, coded):
    """The tables that make the shortest code.

    Args:
      table: see `RansCoder._of_quality`.
      values: [A, n].
      coded: [A] places.

    Returns:
      [⌈n / RUN⌉] numbers of choices, and the tables of all values, see `_rows`.
    """
    costs = tf.gather(_COST, table["frequencies"])

    def cost(k):
        entries, escaped, beyond = _to_entries(_rows(table, coded, k[tf.newaxis]), values)
        escapes = tf.where(escaped, 128 * bits.varint_bytes(beyond), 0)
        return tf.reduce_sum(tf.gather(costs, entries) + escapes, axis=0)

    count = table["choices"].shape[0]
    if count == 1:
        chosen = tf.zeros([_ceil_div(tf.shape(values)[1], RUN)], tf.int32)
    else:
        chosen = cheapest(cost, count)
    return chosen, _rows(table, coded, spread_runs(chosen, tf.shape(values)[1]))


def _rows(table, coded, choices):
    """begin, escape and offset of the tables of places `coded`, as chosen: [A], [n] -> three [A, n]."""
    return tuple(
        tf.gather(tf.gather(tf.transpose(table[key]), coded), choices, axis=1)
        for key in ("begin", "escape", "offsets")
    )


def _to_entries(rows, values):
    """Entries of tables, see `_rows`, for values [A, n]; which are escapes, and how far these are outside."""
    begin, escape, offset = rows
    index = values - offset
    escaped = (index < 0) | (index >= escape)
    beyond = tf.where(index < 0, -2 * index - 1, 2 * (index - escape))  # 1, 3, 5 … below, 0, 2, 4 … above
    return begin + tf.where(escaped, escape, index), escaped, beyond


def _encode_tail(frequencies, starts, lanes):
    """Codes the last symbols, until there are words for the initial states of the main lanes.

    Returns:
      States [lanes], words in the order of decoding, how many blocks were coded.
    """
    size = BLOCK * lanes
    frequencies = tf.concat([tf.fill([size], TOTAL), frequencies], 0)  # what is free leaves the states alone
    starts = tf.pad(starts, [[size, 0]])
    states, words = tf.fill([lanes], LOW), tf.zeros([0], tf.int32)
    blocks = tf.constant(0)
    left = tf.size(starts) - size
    while (tf.size(words) < LANES_RATIO * lanes) & (left > 0) & (blocks < MAX_TAIL_BLOCKS):
        tf.autograph.experimental.set_loop_options(
            shape_invariants=[(words, tf.TensorShape([None])), (states, tf.TensorShape([None]))]
        )
        states, new = _encode_block(states, frequencies[left : left + size], starts[left : left + size])
        words = tf.concat([new, words], 0)
        left = tf.maximum(left - size, 0)
        blocks += 1
    return states, words, blocks


def _encode_main(frequencies, starts, states, lanes):
    """Codes the other symbols. Returns states and words, in the order of decoding."""
    size = BLOCK * lanes
    blocks = _ceil_div(tf.size(starts), size)
    free = blocks * size - tf.size(starts)
    frequencies = tf.concat([frequencies, tf.fill([free], TOTAL)], 0)
    starts = tf.pad(starts, [[0, free]])
    words = tf.zeros([0], tf.int32)
    for block in tf.range(blocks - 1, -1, -1):
        tf.autograph.experimental.set_loop_options(
            shape_invariants=[(words, tf.TensorShape([None])), (states, tf.TensorShape([None]))]
        )
        at = block * size
        states, new = _encode_block(states, frequencies[at : at + size], starts[at : at + size])
        words = tf.concat([new, words], 0)
    return states, words


@tf.function(input_signature=[_VECTOR] * 3)
def _encode_block(states, frequencies, starts):
    """Some steps of all lanes, backwards; returns states and the words that came out, in the order of decoding."""
    frequencies = tf.reshape(frequencies, [BLOCK, -1])
    steps = zip(
        *(
            tf.unstack(rows)
            for rows in (frequencies, 8 * frequencies, TOTAL - frequencies, tf.reshape(starts, [BLOCK, -1]))
        ),
        strict=True,
    )
    word, sixteen, none = tf.constant(1 << 16), tf.constant(16), tf.constant(-1)
    words = []
    for frequency, limit, complement, start in reversed(list(steps)):
        high = tf.bitwise.right_shift(states, sixteen)
        full = high >= limit  # the next state would not fit
        words.append(tf.where(full, states - high * word, none))
        states = tf.where(full, high, states)
        states += states // frequency * complement + start
    words = tf.concat(words[::-1], 0)
    return states, tf.boolean_mask(words, words >= 0)


def _pack_states(states):
    """Final states: their classes, floor(log2) - 15, in four bits each, and the bits below the highest."""
    classes = tf.reduce_sum(
        tf.cast(states[:, tf.newaxis] >= [1 << n for n in range(16, 31)], tf.int32), axis=1
    )
    widths = classes + 15
    low = states - bits.power_of_two(widths)
    return bits.pack_bits(classes, tf.fill(tf.shape(classes), 4)), bits.pack_bits(low, widths)


def _decode_strip(table, data, count):
    """The first strip of `data`, int32 bytes: [count, C] symbols, how many bytes it has, whether it is right."""
    channels, silent = tf.size(table["channels"]), table["silent"]
    header = tf.concat([data, tf.zeros([HEADER], tf.int32)], 0)[:HEADER]
    used, escape_bytes = tf.unstack(bits.integers(header[:8], 4), 2)
    first, tail_lanes, blocks = tf.unstack(bits.integers(header[8:], 2), 3)
    right = (used >= HEADER) & (used <= tf.size(data)) & (escape_bytes >= 0) & (escape_bytes <= used)
    right &= (tail_lanes >= 1) & (tail_lanes <= MAX_TAIL_LANES)
    right &= (first <= silent) & (blocks <= MAX_TAIL_BLOCKS)
    first, tail_lanes = tf.minimum(first, silent), tf.clip_by_value(tail_lanes, 1, MAX_TAIL_LANES)
    used, escape_bytes, blocks = (tf.where(right, n, 0) for n in (used, escape_bytes, blocks))

    body = data[tf.minimum(HEADER, used) : used]
    bitmap, body = _split(body, _ceil_div(silent - first, 8))
    bitmap = bits.unpack_bits(bitmap, tf.ones([silent - first], tf.int32))
    active = tf.concat([tf.zeros([first], tf.int32), bitmap, tf.ones([channels - silent], tf.int32)], 0)
    coded = tf.boolean_mask(tf.range(channels), active > 0)
    runs = _ceil_div(count, RUN)
    chosen, body = _split(body, _ceil_div(runs * _choice_bits(table), 8))
    chosen = spread_runs(bits.unpack_bits(chosen, tf.fill([runs], _choice_bits(table))), count)
    total = tf.size(coded) * count
    lanes = LANES_RATIO * tail_lanes
    main = tf.maximum(total - blocks * BLOCK * tail_lanes, 0)
    seeds = tf.where(main > 0, lanes, 0)
    right &= _ceil_div(main, lanes) <= MAX_STEPS

    classes, body = _split(body, _ceil_div(seeds + tail_lanes, 2))
    widths = 15 + bits.unpack_bits(classes, tf.fill([seeds + tail_lanes], 4))
    low, body = _split(body, _ceil_div(tf.reduce_sum(widths), 8))
    states = bits.power_of_two(widths) + bits.unpack_bits(low, widths)
    words, escapes = _split(body, tf.maximum(tf.size(body) - escape_bytes, 0))
    right &= (tf.size(escapes) == escape_bytes) & (tf.math.floormod(tf.size(words), 2) == 0)

    *lookup, bounds = _lookup(table, coded)
    # The number of each symbol's table among them, [A, n].
    number = tf.range(tf.size(coded))[:, tf.newaxis] * table["choices"].shape[0] + chosen
    rows = tf.reshape(number * TOTAL, [-1])
    free = (tf.size(bounds) - 1) * TOTAL  # the row that leaves states alone
    main, total = tf.where(right, main, 0), tf.where(right, total, 0)  # if wrong, nothing is decoded
    words = bits.integers(words, 2)
    states, tail_states = states[:seeds], states[seeds:]
    states, entries, words = _decode_part(lookup, rows[:main], free, states, words)
    seeded = states - (1 << 16)
    right &= tf.reduce_all((seeded >= 0) & (seeded < 1 << 16))
    missing = tf.where(right, tf.math.floormod(main - total, BLOCK * tail_lanes), 0)
    tail_rows = tf.concat([tf.fill([missing], free), rows[main:total]], 0)
    words = tf.concat([seeded, words], 0)
    tail_states, tail_entries, words = _decode_part(lookup, tail_rows, free, tail_states, words)
    right &= tf.reduce_all(tf.equal(tail_states, LOW)) & tf.reduce_all(tf.equal(words, 0))
    entries = tf.concat([entries, tail_entries[missing:]], 0)
    entries = tf.pad(entries, [[0, tf.size(rows) - total]])
    index = tf.reshape(entries, [-1, count]) - tf.gather(bounds, number)
    values, whole = _to_values(_rows(table, coded, chosen), index, escapes)
    owners = tf.gather(table["channels"], coded)[:, tf.newaxis]
    symbols = tf.scatter_nd(owners, values, tf.stack([channels, count]))
    return tf.transpose(symbols), used, right & whole


def _lookup(table, coded):
    """What the lowest 12 bits of a state mean, for the tables of places `coded`, [A].

    Returns:
      [(A K + 1) * 4096] entries, place by place; the frequencies and starts of entries, [m + 1] each; and
      where each table begins among them, [A K + 1]. At the end is a table with one entry, which leaves states alone.
    """
    begin, last, _ = (
        tf.reshape(part, [-1]) for part in _rows(table, coded, tf.range(table["choices"].shape[0]))
    )
    bounds = tf.concat([[0], tf.cumsum(last + 1)], 0)
    # The number of each entry's table: how many have begun, counted from 0.
    owner = tf.cumsum(tf.scatter_nd(bounds[:-1, tf.newaxis], tf.ones_like(begin), bounds[-1:])) - 1
    entries = tf.range(bounds[-1]) + tf.gather(begin - bounds[:-1], owner)
    frequencies = tf.concat([tf.gather(table["frequencies"], entries), [TOTAL]], 0)
    starts = tf.concat([tf.gather(table["starts"], entries), [0]], 0)
    size = tf.size(bounds) * TOTAL
    marks = tf.cumsum(frequencies, exclusive=True)[:, tf.newaxis]  # where an entry's interval begins
    marks = tf.scatter_nd(marks, tf.ones(tf.shape(starts)), tf.reshape(size, [1]))
    # How many marks up to each slot: a cumulative sum, as products with a triangle of ones, which are much faster.
    marks = tf.matmul(tf.reshape(marks, [-1, len(_TRIANGLE)]), _TRIANGLE)
    marks = tf.cast(marks, tf.int32)
    entries = marks + tf.cumsum(marks[:, -1:], exclusive=True) - 1
    return tf.reshape(entries, [-1]), frequencies, starts, bounds


def _decode_part(lookup, rows, free, states, words):
    """Decodes as many symbols as `rows` has, which begin at a multiple of all lanes.

    Args:
      lookup: see `_lookup`.
      rows: [n], where the table of each symbol begins in its first array.
      free: scalar, where the row begins that leaves states alone.
      states: [lanes].
      words: [m].

    Returns:
      States; [n] entries; the words that are left, or a single -1 where there were too few.
    """
    lanes = tf.size(states)
    size = BLOCK * lanes
    blocks = _ceil_div(tf.size(rows), tf.maximum(size, 1))
    count, available = tf.size(rows), tf.size(words)
    rows = tf.concat([rows, tf.fill([blocks * size - count], free)], 0)
    padded = tf.pad(words, [[1, size + 1]])  # a block cannot reach beyond
    entries, pointer = tf.zeros([0], tf.int32), tf.constant(0)
    for block in tf.range(blocks):
        tf.autograph.experimental.set_loop_options(
            shape_invariants=[(entries, tf.TensorShape([None])), (states, tf.TensorShape([None]))]
        )
        now = rows[block * size : (block + 1) * size]
        states, pointer, found = _decode_block(states, pointer, padded, now, *lookup)
        pointer = tf.minimum(pointer, available + 1)
        entries = tf.concat([entries, found], 0)
    left = tf.where(pointer > available, -1, 0)
    return states, entries[:count], tf.concat([words[pointer:], tf.fill([-left], -1)], 0)


@tf.function(input_signature=[_VECTOR, tf.TensorSpec([], tf.int32), *[_VECTOR] * 5])
def _decode_block(states, pointer, words, rows, entry_of, frequencies, starts):
    """Some steps of all lanes; returns states, the words taken so far, and entries, one step after the other."""
    total, twelve, low, word = (
        tf.constant(TOTAL),
        tf.constant(PRECISION),
        tf.constant(LOW),
        tf.constant(1 << 16),
    )
    entries = []
    for row in tf.unstack(tf.reshape(rows, [BLOCK, -1])):
        high = tf.bitwise.right_shift(states, twelve)
        slot = states - high * total
        entry = tf.gather(entry_of, row + slot)
        entries.append(entry)
        states = tf.gather(frequencies, entry) * high + slot - tf.gather(starts, entry)
        short = states < low
        taken = pointer + tf.cumsum(tf.cast(short, tf.int32))
        states = tf.where(short, states * word + tf.gather(words, taken), states)
        pointer = taken[-1]
    return states, pointer, tf.concat(entries, 0)


def _to_values(rows, index, escapes):
    """Symbols of entries of tables, see `_rows`, counted from 0, [A, n], and whether there are as many escapes as these need."""
    _, escape, offset = rows
    outside = tf.cast(tf.where(tf.equal(index, escape)), tf.int32)
    beyond, whole = bits.unpack_varints(escapes, tf.shape(outside)[0])
    beyond = tf.scatter_nd(outside, beyond, tf.shape(index))
    half = tf.bitwise.right_shift(beyond, 1)
    below = tf.where(beyond > 2 * half, -half - 1, escape + half)
    index = tf.where(tf.equal(index, escape), below, index)
    return index + offset, whole


def _split(data, size):
    return data[:size], data[size:]


def _ceil_div(a, b):
    return (a + b - 1) // b
