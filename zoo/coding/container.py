"""The `.tln` file: a header of 25 bytes, then the entropy coder's bytes.

    offset  bytes  content (big-endian)
    0       3      magic, b"TLN"
    3       1      version of the format, 0 (experimental)
    4       1      coder: 1 is tensorflow-compression's range coder
    5       8      identity of the model, see `zoo.codec.model.BLS2017.identity`
    13      4      height in pixels
    17      4      width in pixels
    21      4      CRC-32 of everything else in the file
    25      …      payload

Version 0 is experimental: files of it may become unreadable with a later release.
"""

import dataclasses
import struct
import zlib

from zoo.errors import UserError
from zoo.images.limits import MAX_PIXELS

MAGIC = b"TLN"
VERSION = 0
RANGE_CODER = 1

_HEADER = struct.Struct(">3sBB8sII")
HEADER_BYTES = _HEADER.size + 4


@dataclasses.dataclass(frozen=True)
class Container:
    """A compressed picture.

    Attributes:
      model: 8 bytes, identity of the model that made it.
      height, width: int, pixels.
      payload: bytes of the entropy coder.
      coder: int, which coder.
    """

    model: bytes
    height: int
    width: int
    payload: bytes
    coder: int = RANGE_CODER

    def pack(self):
        """The file's bytes."""
        header = _HEADER.pack(MAGIC, VERSION, self.coder, self.model, self.height, self.width)
        return header + _checksum(header, self.payload) + self.payload


def unpack(data):
    """Reads a file's bytes.

    Args:
      data: bytes.

    Returns:
      A `Container`.

    Raises:
      UserError: it is not such a file, of another version, damaged, or absurdly large.
    """
    if data[: len(MAGIC)] != MAGIC:
        what = "empty" if not data else "not a .tln file"
        raise UserError(f"the file is {what}; expected one written by `toulon compress`.")
    if len(data) < HEADER_BYTES:
        raise UserError(f"the file is cut off: {len(data)} bytes, the header alone has {HEADER_BYTES}.")
    header, checksum, payload = data[: _HEADER.size], data[_HEADER.size : HEADER_BYTES], data[HEADER_BYTES:]
    _, version, coder, model, height, width = _HEADER.unpack(header)
    if version != VERSION:
        raise UserError(f"the file is of format version {version}; this release reads version {VERSION}.")
    if _checksum(header, payload) != checksum:
        raise UserError("the file is damaged: its checksum does not match; get a new copy.")
    if coder != RANGE_CODER:
        raise UserError(f"the file was written by coder {coder}, which this release does not have.")
    if not 1 <= height * width <= MAX_PIXELS:
        raise UserError(f"the file claims {width} x {height} pixels; 1 to {MAX_PIXELS} are possible.")
    return Container(model, height, width, payload, coder)


def _checksum(header, payload):
    return struct.pack(">I", zlib.crc32(payload, zlib.crc32(header)))
