import struct
import zlib

import pytest

from zoo.coding.container import HEADER_BYTES, MAX_PIXELS, Container, unpack
from zoo.errors import UserError

FILE = Container(b"identity", 512, 768, b"some payload")


def sealed(header, payload=b""):
    """A file whose checksum is right whatever its header says."""
    return header + struct.pack(">I", zlib.crc32(header + payload)) + payload


def test_round_trip():
    assert unpack(FILE.pack()) == FILE
    assert unpack(Container(b"12345678", 1, 1, b"").pack()).payload == b""


def test_the_layout_is_as_documented():
    expected = b"TLN" + bytes([0, 1]) + b"identity" + (512).to_bytes(4, "big") + (768).to_bytes(4, "big")
    assert FILE.pack() == sealed(expected, b"some payload")
    assert HEADER_BYTES == 25 <= 32


def test_every_flipped_bit_is_found():
    data = FILE.pack()
    for bit in range(8 * len(data)):
        broken = bytearray(data)
        broken[bit // 8] ^= 1 << bit % 8
        with pytest.raises(UserError):
            unpack(bytes(broken))


def test_every_truncation_and_addition_is_found():
    data = FILE.pack()
    for length in range(len(data)):
        with pytest.raises(UserError):
            unpack(data[:length])
    with pytest.raises(UserError, match="checksum"):
        unpack(data + b"\0")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\x89PNG....", "not a .tln file"),
        (b"TLN\0", "cut off"),
        (sealed(struct.pack(">3sBB8sII", b"TLN", 9, 1, b"identity", 1, 1)), "version 9"),
        (sealed(struct.pack(">3sBB8sII", b"TLN", 0, 7, b"identity", 1, 1)), "coder 7"),
        (sealed(struct.pack(">3sBB8sII", b"TLN", 0, 1, b"identity", 2**31, 2**31)), "pixels"),
        (sealed(struct.pack(">3sBB8sII", b"TLN", 0, 1, b"identity", 0, 9)), "pixels"),
        (sealed(struct.pack(">3sBB8sII", b"TLN", 0, 1, b"identity", MAX_PIXELS, 2)), "pixels"),
    ],
)
def test_wrong_files_are_told_in_one_line(data, message):
    with pytest.raises(UserError, match=message) as caught:
        unpack(data)
    assert "\n" not in str(caught.value)
