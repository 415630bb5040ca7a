"""Pictures to `.tln` files and back, with an exported model and any TensorFlow."""

import dataclasses
import fractions
import functools

import numpy as np
import tensorflow as tf

from zoo import registry
from zoo.codec.config import TOTAL_STRIDE
from zoo.codec.frozen import to_uint8
from zoo.codec.portable import clip_symbols
from zoo.coding.container import Container, pack_alpha, pack_profile, unpack
from zoo.coding.rans import HEADER, STRIP
from zoo.coding.table_bits import TableBits
from zoo.coding.tables import Tables
from zoo.errors import UserError
from zoo.images.limits import MAX_PIXELS
from zoo.images.picture import Picture
from zoo.images.tiles import by_tiles

DEFAULT_QUALITY = 50
TILE = 1536  # pixels each way; what the transforms need for it stays below half a gigabyte
MARGIN = 2 * TOTAL_STRIDE  # no latent depends on pixels further away, and no pixel on latents
_LATENTS_PER_PIXEL = fractions.Fraction(1, TOTAL_STRIDE)


@functools.lru_cache(maxsize=4)
def load_codec(name):
    """Loads an exported codec, or returns it if it was one of the last ones.

    Args:
      name: str, a model's name, or the directory of an export or of one of its versions.

    Returns:
      A `FileCodec`.

    Raises:
      UserError: there is no such export.
    """
    return FileCodec(registry.find_export(name))


def load_codec_of(container):
    """Loads the codec that made a file: an export of the same identity.

    Raises:
      UserError: it is not here.
    """
    directory = registry.find_identity(container.model)
    if directory is None:
        raise UserError(
            f"the file was made by model {container.model.hex()}, which is not in {registry.exported_roots()[0]}; "
            "give its export with --model."
        )
    return load_codec(str(directory))


class FileCodec:
    """A codec ready for pictures.

    Pictures larger than a tile go through the transforms tile by tile, with the same result; see
    `zoo.images.tiles.by_tiles`.

    Attributes:
      name: str.
      directory: the export it was loaded from.
      qualities: int, how many there are; 1 for a codec of one rate.
      weights: [qualities] float32, the λ of each.
      distortion: str, "mse" or "ms_ssim", what the codec was trained for.
    """

    def __init__(self, directory):
        card = registry.read_card(directory)
        self.name, self.directory = card["name"], directory
        self.distortion = card["config"]["distortion"]
        self._identity = bytes.fromhex(card["identity"])
        self._signatures = registry.load_export(directory)
        with np.load(directory / "tables.npz") as arrays:
            self._tables = Tables(**{f.name: arrays[f.name] for f in dataclasses.fields(Tables)})
            self._scales, self._steps = arrays["scales"], arrays["steps"]
            self.weights = arrays["rate_distortion_weights"]
        self.qualities, self._channels = self._scales.shape
        self._least_bits = self._tables.least_bits()

    def encode(self, image, quality=None):
        """Compresses a picture, [height, width, 3] uint8, to the bytes of a `.tln` file.

        Args:
          image: the picture.
          quality: int from 1 to `qualities`; None for the default, and for a codec of one rate.

        Raises:
          UserError: the picture is too large, or there is no such quality.
        """
        quality = self.check_quality(quality)
        symbols = self.quantize(self.transform(image), quality)
        return self.pack(Picture(image), symbols, quality)

    def decode(self, data):
        """Restores the picture of a `.tln` file's bytes: [height, width, 3] uint8, alpha left out.

        Raises:
          UserError: the file is damaged, or was made by another model.
        """
        return self.unpack(unpack(data)).rgb

    def check_quality(self, quality):
        """The quality as a number of one of the tables, from 1 on; None is the default.

        Raises:
          UserError: there is no such quality.
        """
        if quality is None:
            return min(DEFAULT_QUALITY, self.qualities)
        if self.qualities == 1:
            raise UserError(
                f"{self.name} has one rate and no quality; leave it out, or take another --model."
            )
        if not 1 <= quality <= self.qualities:
            raise UserError(f"the quality is {quality}; expected 1 to {self.qualities}.")
        return quality

    def transform(self, image):
        """Pictures to latents before rounding, each channel's median subtracted.

        Args:
          image: [height, width, 3] uint8.

        Returns:
          [⌈height/16⌉, ⌈width/16⌉, C] float32.

        Raises:
          UserError: the picture is too large.
        """
        _check_size(*image.shape[:2])
        coefficients = np.empty([*_latent_size(*image.shape[:2]), self._channels], np.float32)

        def function(tile):
            return self._signatures["transform"](image=tf.constant(tile[np.newaxis]))["coefficients"][0]

        by_tiles(function, image, coefficients, _LATENTS_PER_PIXEL, TILE, MARGIN)
        return coefficients

    def quantize(self, coefficients, quality):
        """Latents of a quality, [h, w, C] float32 -> int16."""
        limits = np.iinfo(np.int16)
        symbols = np.empty(coefficients.shape, np.int16)
        for row, target in zip(coefficients, symbols, strict=True):  # in bounded memory
            target[:] = np.clip(np.round(row * self._scales[quality - 1]), limits.min, limits.max)
        return symbols

    def restore(self, symbols, quality, height, width):
        """Latents to the picture: [h, w, C] integers -> [height, width, 3] uint8."""
        image = np.empty([TOTAL_STRIDE * n for n in symbols.shape[:2]] + [3], np.uint8)

        def function(tile):
            pixels = self.inverse_transform(
                tf.constant(tile[np.newaxis], tf.float32) * self._steps[quality - 1]
            )
            return to_uint8(pixels)[0]

        by_tiles(function, symbols, image, TOTAL_STRIDE, TILE // TOTAL_STRIDE, MARGIN // TOTAL_STRIDE)
        return image[:height, :width]

    def inverse_transform(self, coefficients):
        """The synthesis transform: ŷ - m, [B, h, w, C] float32 -> [B, 16 h, 16 w, 3] float32, about 0 to 255."""
        return self._signatures["inverse_transform"](coefficients=coefficients)["pixels"]

    def quantization(self, quality):
        """Scales before rounding and steps after it: two [C] float32 arrays."""
        return self._scales[quality - 1], self._steps[quality - 1]

    @functools.cached_property
    def table_bits(self):
        """The entropy coder's bits of any latents, a `TableBits`."""
        return TableBits(self._tables)

    def choose_tables(self, symbols, quality):
        """The quality whose tables the entropy coder takes for each latent: [h, w, C] int16 -> [h, w] int32."""
        rows = symbols.reshape(1, 1, -1, self._channels)
        starts = range(0, rows.shape[2], self._strip)
        strips = [tf.constant(rows[:, :, first : first + self._strip], tf.int32) for first in starts]
        chosen = [self._choose_tables(strip, tf.constant([quality]))[0, 0].numpy() for strip in strips]
        return np.concatenate(chosen).reshape(symbols.shape[:2])

    @functools.cached_property
    def _choose_tables(self):
        latents = tf.TensorSpec([1, 1, None, self._channels], tf.int32)
        return tf.function(self.table_bits.choose, [latents, tf.TensorSpec([1], tf.int32)])

    def pack(self, picture, symbols, quality):
        """The bytes of a `.tln` file from a `Picture` and its latents."""
        return Container(
            self._identity,
            *picture.rgb.shape[:2],
            self.encode_latents(symbols, quality),
            quality if self.qualities > 1 else 0,
            picture.grey,
            pack_alpha(picture.alpha),
            pack_profile(picture.profile),
        ).pack()

    def unpack(self, container):
        """Restores the picture of a file.

        Args:
          container: a `zoo.coding.container.Container`.

        Returns:
          A `zoo.images.picture.Picture`.

        Raises:
          UserError: the file is damaged, or was made by another model.
        """
        height, width = container.height, container.width
        if container.model != self._identity:
            raise UserError(
                f"the file was made by model {container.model.hex()}, not by {self.name} "
                f"({self._identity.hex()}); give its model with --model."
            )
        kept = range(1, self.qualities + 1) if self.qualities > 1 else (0,)
        if container.quality not in kept:
            raise UserError(
                f"the file is damaged: its quality is {container.quality}, which {self.name} has not."
            )
        _check_size(height, width)
        quality = container.quality or 1
        alpha, profile = container.read_alpha(), container.read_profile()
        symbols = self.decode_latents(container.payload, quality, *_latent_size(height, width))
        return Picture(self.restore(symbols, quality, height, width), container.grey, alpha, profile)

    def encode_latents(self, symbols, quality):
        """Entropy-codes latents, [h, w, C] int16, strip by strip: bytes."""
        rows = symbols.reshape(-1, self._channels)
        strips = [
            self._signatures["encode"](
                latents=tf.constant(rows[np.newaxis, np.newaxis, first : first + self._strip], tf.int32),
                **self._asked(quality),
            )["code_bytes"][0].numpy()
            for first in range(0, len(rows), self._strip)
        ]
        return b"".join(strips)

    def decode_latents(self, data, quality, height, width):
        """The reverse of `encode_latents`: bytes -> [height, width, C] int16.

        Raises:
          UserError: the bytes are not what `encode_latents` made of such latents.
        """
        damaged = UserError("the file is damaged: its payload cannot be decoded.")
        if 8 * len(data) + 64 < self._least_bits[quality - 1] * height * width:
            raise damaged  # before anything of that size is made
        symbols = np.empty([height * width, self._channels], np.int16)
        for first in range(0, len(symbols), self._strip):
            target = symbols[first : first + self._strip]
            size = max(int.from_bytes(data[:4], "big"), HEADER)
            try:
                latents = self._signatures["decode"](
                    code_bytes=tf.constant([data[:size]]),
                    size=tf.constant([[TOTAL_STRIDE, TOTAL_STRIDE * len(target)]]),
                    **self._asked(quality),
                )["latents"]
            except tf.errors.InvalidArgumentError:
                raise damaged from None
            target[:] = clip_symbols(latents[0, 0]).numpy()
            data = data[size:]
        if data:
            raise damaged
        return symbols.reshape(height, width, self._channels)

    @property
    def _strip(self):
        """How many latents of all channels the entropy coder takes together."""
        return max(1, STRIP // self._channels)

    def estimated_bits(self, image, quality=None):
        """The model's own estimate of the rate of a picture, -log2 of the prior's density, in bits."""
        quality = self.check_quality(quality)
        symbols = self.quantize(self.transform(image), quality)
        return float(self._model.symbols_rate(tf.constant(symbols[np.newaxis], tf.float32), quality)[0])

    @functools.cached_property
    def _model(self):
        return registry.load(self.directory)

    def _asked(self, quality):
        """The quality as signatures take it."""
        return {"quality": tf.constant([quality])} if self.qualities > 1 else {}


def _latent_size(height, width):
    """Rows and columns of a picture's latents."""
    return -(-height // TOTAL_STRIDE), -(-width // TOTAL_STRIDE)


def _check_size(height, width):
    """Raises a `UserError` for what the transforms refuse: sides are rounded up to multiples of 16."""
    if np.prod(_latent_size(height, width)) * TOTAL_STRIDE**2 > MAX_PIXELS:
        raise UserError(
            f"the picture has {width} x {height} pixels; at most {MAX_PIXELS // 2**20} megapixels are taken."
        )
