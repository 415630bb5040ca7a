"""Pictures to `.tln` files and back, with an exported model and tensorflow-compression's range coder."""

import functools

import numpy as np
import tensorflow as tf

from zoo import registry
from zoo.codec.config import TOTAL_STRIDE
from zoo.coding.container import Container, unpack
from zoo.errors import UserError
from zoo.images.limits import MAX_PIXELS


def load_codec(name):
    """Loads an exported codec.

    Args:
      name: str, a model's name, or the directory of an export or of one of its versions.

    Returns:
      A `FileCodec`.

    Raises:
      UserError: there is no such export, or tensorflow-compression is not installed.
    """
    return FileCodec(registry.find_export(name))


class FileCodec:
    """A codec ready for pictures.

    Attributes:
      name: str.
      directory: the export it was loaded from.
    """

    def __init__(self, directory):
        try:
            import tensorflow_compression as tfc
        except ImportError:
            raise UserError(
                "the range coder needs tensorflow-compression: pip install 'toulon[train]' (Python 3.10 or 3.11)."
            ) from None
        card = registry.read_card(directory)
        self.name, self.directory = card["name"], directory
        self._identity = bytes.fromhex(card["identity"])
        self._signatures = registry.load_export(directory)
        with np.load(directory / "tables.npz") as tables:
            cdf, cdf_offset = tables["cdf"], tables["cdf_offset"]
        self._coder = tfc.ContinuousBatchedEntropyModel(
            prior_shape=cdf_offset.shape, coding_rank=3, compression=True, stateless=True,
            cdf=cdf, cdf_offset=cdf_offset, offset_heuristic=False, bottleneck_dtype=tf.float32,
        )  # fmt: skip

    def encode(self, image):
        """Compresses a picture, [height, width, 3] uint8, to the bytes of a `.tln` file.

        Raises:
          UserError: the picture is too large.
        """
        _check_size(*image.shape[:2])
        code = self._signatures["analyze"](image=tf.constant(image[None]))
        payload = self._coder.compress(tf.cast(code["latents"], tf.float32))[0].numpy()
        return Container(self._identity, *image.shape[:2], payload).pack()

    def decode(self, data):
        """Restores the picture of a `.tln` file's bytes: [height, width, 3] uint8.

        Raises:
          UserError: the file is damaged, or was made by another model.
        """
        container = unpack(data)
        if container.model != self._identity:
            raise UserError(
                f"the file was made by model {container.model.hex()}, not by {self.name} "
                f"({self._identity.hex()}); give its model with --model."
            )
        _check_size(container.height, container.width)
        size = np.array([[container.height, container.width]], np.int32)
        try:
            latents = self._coder.decompress(tf.constant([container.payload]), -(-size[0] // TOTAL_STRIDE))
        except tf.errors.OpError:
            raise UserError("the file is damaged: its payload cannot be decoded.") from None
        latents = tf.cast(tf.round(latents), tf.int32)
        return self._signatures["synthesize"](latents=latents, size=size)["image"][0].numpy()

    @functools.cached_property
    def _model(self):
        return registry.load(self.directory)

    def estimated_bits(self, image):
        """The model's own estimate of the rate of a picture, -log2 of the prior's density, in bits."""
        code = self._signatures["analyze"](image=tf.constant(image[None]))
        latents = tf.cast(code["latents"], tf.float32) + self._model.quantization_offset
        return float(self._model.rate(latents)[0])


def _check_size(height, width):
    """Raises a `UserError` for what the transforms refuse: sides are rounded up to multiples of 16."""
    if -(-height // TOTAL_STRIDE) * -(-width // TOTAL_STRIDE) * TOTAL_STRIDE**2 > MAX_PIXELS:
        raise UserError(
            f"the picture has {width} x {height} pixels; at most {MAX_PIXELS // 2**20} megapixels are taken."
        )
