"""A codec that is timed in this process."""

import time

from zoo.metrics.psnr import psnr


class InProcess:
    """A codec that works on some pictures.

    Args:
      compress: function of [H, W, 3] uint8 that returns bytes.
      decompress: the reverse.
      images: list of [H, W, 3] uint8.
      more: dict of name to function of a picture's number, what else is timed.
      about: dict of str to number, what else there is to know.

    Attributes:
      files: list of bytes, the compressed pictures.
      parts: dict of name to function of a picture's number, "compress" and "decompress" among them.
      about: the argument.
    """

    def __init__(self, compress, decompress, images, more=None, about=None):
        self._images = images
        self.about = about or {}
        self.files = [compress(image) for image in images]
        self.parts = {
            "compress": lambda i: compress(images[i]),
            "decompress": lambda i: decompress(self.files[i]),
        } | (more or {})

    def seconds(self, part, i):
        """Time of one call."""
        start = time.perf_counter()
        self.parts[part](i)
        return time.perf_counter() - start

    def check(self, i):
        """What picture i costs, and how good it is: dict of bytes and psnr."""
        return {
            "bytes": len(self.files[i]),
            "psnr": psnr(self.parts["decompress"](i), self._images[i]),
        }
