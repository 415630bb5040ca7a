import numpy as np
import pytest
import tensorflow as tf

from zoo.coding import file_graph
from zoo.coding.checksum import CYCLE, HASHES, ROW, checksum


def by_definition(data):
    """The sum of the docstring, byte by byte with Python's integers."""
    out = b""
    for prime, g in HASHES:
        total = len(data)
        for i, byte in enumerate(data):
            total += byte * pow(g, i % ROW, prime) * (i // ROW % CYCLE + 1)
        out += (total % prime).to_bytes(2, "big")
    return out


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 5000])
def test_it_is_what_its_definition_says(noise, size):
    for data in (noise.bytes(size), b"\xff" * size):
        assert checksum(data) == by_definition(data)


def test_sums_do_not_overflow():
    data = b"\xff" * (ROW * CYCLE + 500)
    assert checksum(data) == by_definition(data)


@pytest.mark.parametrize("size", [0, 1, 64, 1000, ROW * 4096 + 3, ROW * CYCLE + 70])
def test_the_graph_computes_the_same(noise, size):
    for data in (noise.bytes(size), b"\xff" * size):
        bytes_ = tf.cast(tf.constant(np.frombuffer(data, np.uint8)), tf.int32)
        assert bytes(file_graph.checksum_bytes(bytes_).numpy().astype(np.uint8)) == checksum(data)


def test_primes_are_prime_and_factors_never_vanish():
    for prime, g in HASHES:
        assert all(prime % n for n in range(2, 256))
        assert all(pow(g, c, prime) for c in range(ROW))
        assert prime > CYCLE


def test_every_change_of_a_byte_and_every_length_is_seen(noise):
    data = noise.bytes(300)
    for i in range(len(data)):
        for delta in (1, 2, 128, 255):
            broken = bytearray(data)
            broken[i] = (broken[i] + delta) % 256
            assert checksum(broken) != checksum(data)
    sums = {checksum(b"\0" * n) for n in range(1000)}
    assert len(sums) == 1000
