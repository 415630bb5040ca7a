"""The entropy coder once more, symbol by symbol in plain Python: what `zoo.coding.rans` is held against.

It follows zoo/coding/FORMAT.md and shares nothing with the other but the tables.
"""

import itertools
import math

import numpy as np

STRIP, BLOCK, RATIO, RUN = 1 << 21, 16, 16, 4


def encode(tables, symbols, quality):
    """[n, C] integers -> bytes."""
    step = max(1, STRIP // symbols.shape[1])
    strips = [symbols[i : i + step] for i in range(0, len(symbols), step)]
    return b"".join(_encode_strip(_of(tables, quality), strip) for strip in strips)


def decode(tables, data, count, channels, quality):
    """Bytes -> [count, channels] integers; raises ValueError where `data` is wrong."""
    step = max(1, STRIP // channels)
    out = []
    for i in range(0, count, step):
        size = int.from_bytes(data[:4], "big")
        if len(data) < size:
            raise ValueError("cut off")
        out.append(_decode_strip(_of(tables, quality), data[:size], min(step, count - i), channels))
        data = data[size:]
    if data:
        raise ValueError("too long")
    return np.concatenate(out) if out else np.zeros([0, channels], int)


def _of(tables, quality):
    """By choice and place: frequencies, sums before them, offsets; then the channels of places, how many are silent."""
    order = tables.channels[quality - 1].tolist()
    rows, starts, offsets = [], [], []
    for other in tables.choices[quality - 1] - 1:
        places = [tables.channels[other].tolist().index(channel) for channel in order]
        bounds = tables.bounds[other]
        rows.append([[int(f) for f in tables.frequencies[bounds[p] : bounds[p + 1]]] for p in places])
        starts.append([[0, *itertools.accumulate(row[:-1])] for row in rows[-1]])
        offsets.append([int(tables.offsets[other, p]) for p in places])
    return rows, starts, offsets, order, int(tables.silent[quality - 1])


def _bits_of_choice(rows):
    return {1: 0, 2: 1, 4: 2, 8: 3, 16: 4}[len(rows)]


def _varint(value):
    out = bytearray()
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def _encode_strip(tables, symbols):
    rows, starts, offsets, channels, silent = tables
    columns = [symbols[:, c].tolist() for c in channels]
    active = [place >= silent or any(columns[place]) for place in range(len(channels))]
    first = active.index(True) if True in active else len(active)
    places = np.flatnonzero(active)

    def look_up(k, place, value):
        """The index of a value's entry, its code as an escape, and its cost in sixteenths of a bit without that."""
        index, last, escape = value - offsets[k][place], len(rows[k][place]) - 1, b""
        if not 0 <= index < last:
            escape = _varint(-2 * index - 1 if index < 0 else 2 * (index - last))
            index = last
        return index, escape, round(16 * (12 - math.log2(rows[k][place][index])))

    chosen = []
    for begin in range(0, len(symbols), RUN):
        costs = []
        for k in range(len(rows)):
            found = [look_up(k, p, value) for p in places for value in columns[p][begin : begin + RUN]]
            costs.append(sum(sixteenths + 128 * len(escape) for _, escape, sixteenths in found))
        chosen.append(costs.index(min(costs)))
    coded, escapes, cost = [], b"", 0
    for place in places:
        row_cost = 0
        for n, value in enumerate(columns[place]):
            k = chosen[n // RUN]
            index, escape, sixteenths = look_up(k, place, value)
            escapes += escape
            row_cost += sixteenths
            coded.append((rows[k][place][index], starts[k][place][index]))
        cost += row_cost >> 4
    tail_lanes = max(1, min(256, cost // 9600))
    tail_lanes = max(tail_lanes, -(-len(coded) // (4096 * RATIO)))
    lanes = RATIO * tail_lanes

    words = []  # in the order of decoding
    tail = [1 << 15] * tail_lanes
    end, blocks = len(coded), 0
    while len(words) < lanes and end > 0 and blocks < 256:
        for step in reversed(range(BLOCK)):
            begin = end - (BLOCK - step) * tail_lanes
            part = [coded[i] if i >= 0 else (4096, 0) for i in range(begin, begin + tail_lanes)]
            words = _push(tail, part) + words
        end, blocks = max(0, end - BLOCK * tail_lanes), blocks + 1
    states = []
    if end:
        seeds = (words + [0] * lanes)[:lanes]
        words, states = words[lanes:], [65536 + word for word in seeds]
        for begin in reversed(range(0, end, lanes)):
            part = coded[begin : min(begin + lanes, end)]
            words = _push(states, part) + words
    bits = "".join("01"[a] for a in active[first : max(silent, first)])
    body = _to_bytes(bits)
    width = _bits_of_choice(rows)
    body += _to_bytes("".join(f"{k:0{width}b}" for k in chosen) if width else "")
    states += tail
    body += _to_bytes("".join(f"{s.bit_length() - 16:04b}" for s in states))
    body += _to_bytes("".join(f"{s:b}"[1:] for s in states))
    body += b"".join(word.to_bytes(2, "big") for word in words) + escapes
    header = (14 + len(body)).to_bytes(4, "big") + len(escapes).to_bytes(4, "big")
    return header + b"".join(n.to_bytes(2, "big") for n in (first, tail_lanes, blocks)) + body


def _push(states, part):
    words = []
    for lane, (frequency, start) in enumerate(part):
        if states[lane] >= frequency << 19:
            words.append(states[lane] % 65536)
            states[lane] //= 65536
        states[lane] = states[lane] // frequency * 4096 + start + states[lane] % frequency
    return words


def _to_bytes(bits):
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def bits(self, widths):
        text = "".join(f"{b:08b}" for b in self.data[self.at : self.at + -(-sum(widths) // 8)])
        if len(text) < sum(widths):
            raise ValueError("cut off")
        self.at += len(text) // 8
        out, i = [], 0
        for width in widths:
            out.append(int(text[i : i + width] or "0", 2))
            i += width
        return out


def _decode_strip(tables, data, count, channels):
    rows, starts, offsets, owners, silent = tables
    escape_bytes = int.from_bytes(data[4:8], "big")
    first, tail_lanes, blocks = (int.from_bytes(data[i : i + 2], "big") for i in (8, 10, 12))
    reader = _Reader(data)
    reader.at = 14
    listed = reader.bits([1] * (silent - first))
    active = [0] * first + listed + [1] * (len(owners) - silent)
    chosen = reader.bits([_bits_of_choice(rows)] * -(-count // RUN))
    places = [(chosen[n // RUN], p) for p in np.flatnonzero(active) for n in range(count)]
    main = max(0, len(places) - blocks * BLOCK * tail_lanes)
    lanes = RATIO * tail_lanes if main else 0
    classes = reader.bits([4] * (lanes + tail_lanes))
    states = [
        (1 << 15 + k) + low for k, low in zip(classes, reader.bits([15 + k for k in classes]), strict=True)
    ]
    raw = data[reader.at : len(data) - escape_bytes]
    words = [int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2)]
    escapes = list(data[len(data) - escape_bytes :])
    found = []

    def pull(states, wanted):
        for begin in range(0, len(wanted), len(states)):
            low = []
            for lane, table in enumerate(wanted[begin : begin + len(states)]):
                if table is None:
                    continue
                k, place = table
                slot = states[lane] % 4096
                index = int(np.searchsorted(starts[k][place], slot, "right")) - 1
                found.append((k, place, index))
                states[lane] = rows[k][place][index] * (states[lane] // 4096) + slot - starts[k][place][index]
                if states[lane] < 1 << 15:
                    low.append(lane)
            for lane in low:
                states[lane] = states[lane] * 65536 + words.pop(0)

    if lanes:
        main_states = states[:lanes]
        pull(main_states, places[:main])
        words[:0] = [s - 65536 for s in main_states]
    tail = states[lanes:]
    missing = (main - len(places)) % (BLOCK * tail_lanes)
    pull(tail, [None] * missing + places[main:])
    if any(s != 1 << 15 for s in tail) or any(words):
        raise ValueError("wrong states")
    out = np.zeros([len(owners), count], int)
    for n, (k, place, index) in enumerate(found):
        last = len(rows[k][place]) - 1
        if index == last:
            value, shift = 0, 0
            while True:
                byte = escapes.pop(0)
                value += byte % 128 << shift
                shift += 7
                if byte < 128:
                    break
            index = -(value + 1) // 2 if value % 2 else last + value // 2
        out[owners[place], n % count] = index + offsets[k][place]
    return out.T
