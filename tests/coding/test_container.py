import dataclasses
import struct

import pytest

from zoo.coding.checksum import checksum
from zoo.coding.container import HEADER_BYTES, MAX_PIXELS, Container, unpack
from zoo.errors import UserError

FILE = Container(b"identity", 512, 768, b"some payload")
FULL = dataclasses.replace(FILE, quality=70, grey=True, alpha=b"PNG", profile=b"profile")


def sealed(header, payload=b"", version=1):
    """A file whose checksum is right whatever its header says."""
    return b"TLN" + bytes([version]) + checksum(header + payload) + header + payload


def header(flags, height, width):
    return struct.pack(">8sBBII", b"identity", 50, flags, height, width)


def test_round_trip():
    for file in (FILE, FULL, dataclasses.replace(FULL, alpha=b"")):
        assert unpack(file.pack()) == file
    assert unpack(Container(b"12345678", 1, 1, b"").pack()).payload == b""


def test_the_layout_is_as_documented():
    size = (512).to_bytes(4, "big") + (768).to_bytes(4, "big")
    assert FILE.pack() == sealed(b"identity" + bytes([0, 0]) + size, b"some payload")
    beside = b"\0\0\0\3PNG" + b"\0\0\0\7profile"
    assert FULL.pack() == sealed(b"identity" + bytes([70, 7]) + size, beside + b"some payload")
    assert HEADER_BYTES == 26


def test_every_flipped_bit_is_found():
    data = FULL.pack()
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
        (b"TLN\1", "cut off"),
        (sealed(header(0, 1, 1), version=9), "version 9"),
        (sealed(header(8, 1, 1)), "flags 8"),
        (sealed(header(2, 1, 1), b"\0\0\0"), "does not fit"),
        (sealed(header(2, 1, 1), b"\0\0\0\5some"), "does not fit"),
        (sealed(header(4, 1, 1), b"\0\0\0\0some"), "does not fit"),
        (sealed(header(0, 2**31, 2**31)), "pixels"),
        (sealed(header(0, 0, 9)), "pixels"),
        (sealed(header(0, MAX_PIXELS, 2)), "pixels"),
    ],
)
def test_wrong_files_are_told_in_one_line(data, message):
    with pytest.raises(UserError, match=message) as caught:
        unpack(data)
    assert "\n" not in str(caught.value)
