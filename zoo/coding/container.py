"""The `.tln` file: a header of 26 bytes, what is kept beside the colours, then the entropy coder's bytes.

The whole format, byte by byte, is in FORMAT.md; this is what reads and writes it without TensorFlow, but for the payload.
"""

import dataclasses
import io
import struct
import zlib

import numpy as np
from PIL import Image

from zoo.coding.checksum import checksum
from zoo.errors import UserError
from zoo.images.limits import MAX_PIXELS

MAGIC = b"TLN"
VERSION = 1
GREY, ALPHA, PROFILE = 1, 2, 4
MAX_PROFILE_BYTES = 2**24

_START = struct.Struct(">3sB4s")
_HEADER = struct.Struct(">8sBBII")
_LENGTH = struct.Struct(">I")
SEALED_FROM = _START.size  # what the checksum is of
HEADER_BYTES = SEALED_FROM + _HEADER.size


@dataclasses.dataclass(frozen=True)
class Container:
    """A compressed picture.

    Attributes:
      model: 8 bytes, identity of the model that made it.
      height, width: int, pixels.
      payload: bytes of the entropy coder.
      quality: int, 0 for a model of one rate.
      grey: bool.
      alpha: bytes of a PNG file, empty where the picture is opaque.
      profile: bytes of a compressed colour profile, empty where there is none.
    """

    model: bytes
    height: int
    width: int
    payload: bytes
    quality: int = 0
    grey: bool = False
    alpha: bytes = b""
    profile: bytes = b""

    def read_alpha(self):
        """The alpha channel, [height, width] uint8, or None.

        Raises:
          UserError: it is damaged, or of another size.
        """
        if not self.alpha:
            return None
        try:
            with Image.open(io.BytesIO(self.alpha), formats=["PNG"]) as image:
                if image.size == (self.width, self.height) and image.mode == "L":
                    return np.asarray(image)
        except (OSError, SyntaxError, ValueError, zlib.error, Image.DecompressionBombError) as error:
            raise UserError(f"the file is damaged: its alpha channel cannot be decoded ({error}).") from None
        raise UserError("the file is damaged: its alpha channel is of another size or kind.")

    def read_profile(self):
        """The ICC colour profile, bytes, empty where there is none.

        Raises:
          UserError: it is damaged, or larger than 16 MiB.
        """
        if not self.profile:
            return b""
        decompressor = zlib.decompressobj()
        try:
            profile = decompressor.decompress(self.profile, MAX_PROFILE_BYTES)
        except zlib.error as error:
            raise UserError(f"the file is damaged: its colour profile cannot be decoded ({error}).") from None
        if not profile or not decompressor.eof:
            raise UserError("the file is damaged: its colour profile is cut off or too large.")
        return profile

    def pack(self):
        """The file's bytes."""
        flags = GREY * self.grey | ALPHA * bool(self.alpha) | PROFILE * bool(self.profile)
        header = _HEADER.pack(self.model, self.quality, flags, self.height, self.width)
        beside = b"".join(_LENGTH.pack(len(chunk)) + chunk for chunk in (self.alpha, self.profile) if chunk)
        sealed = header + beside + self.payload
        return _START.pack(MAGIC, VERSION, checksum(sealed)) + sealed


def pack_alpha(alpha):
    """An alpha channel, [height, width] uint8 or None, as `Container` keeps it."""
    if alpha is None:
        return b""
    png = io.BytesIO()
    Image.fromarray(alpha).save(png, "PNG", optimize=True)
    return png.getvalue()


def pack_profile(profile):
    """An ICC colour profile, bytes, as `Container` keeps it."""
    return zlib.compress(profile, 9) if profile else b""


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
    _, version, expected = _START.unpack_from(data)
    if version != VERSION:
        raise UserError(f"the file is of format version {version}; this release reads version {VERSION}.")
    if checksum(data[SEALED_FROM:]) != expected:
        raise UserError("the file is damaged: its checksum does not match; get a new copy.")
    model, quality, flags, height, width = _HEADER.unpack_from(data, SEALED_FROM)
    body = data[HEADER_BYTES:]
    if flags & ~(GREY | ALPHA | PROFILE):
        raise UserError(f"the file has flags {flags}, which this release does not know; take a later one.")
    if not 1 <= height * width <= MAX_PIXELS:
        raise UserError(f"the file claims {width} x {height} pixels; 1 to {MAX_PIXELS} are possible.")
    alpha, body = _chunk(body) if flags & ALPHA else (b"", body)
    profile, body = _chunk(body) if flags & PROFILE else (b"", body)
    return Container(model, height, width, body, quality, bool(flags & GREY), alpha, profile)


def _chunk(body):
    """Splits what begins with a length: (as many bytes, the rest)."""
    end = _LENGTH.size + int.from_bytes(body[: _LENGTH.size], "big")
    if end > len(body) or end == _LENGTH.size:
        raise UserError("the file is damaged: what it keeps beside the colours does not fit in it.")
    return body[_LENGTH.size : end], body[end:]
