"""The codec on a device: `.tln` files with LiteRT and NumPy, nothing else.

    codec = LiteCodec("exported/bls2017-vr/1")
    data = codec.compress(image, quality=50)     # [height, width, 3] uint8 -> bytes of a .tln file
    image = codec.decompress(data)

An example to copy: it needs only the two `.tflite` files of an export, and the package `ai-edge-litert`.
"""

import pathlib

import numpy as np
from ai_edge_litert.interpreter import Interpreter


class LiteCodec:
    """Compresses pictures to `.tln` files and restores them.

    Weights have half precision, so files may differ in a few latents from those that the SavedModel writes; each reads the
    other's. Colours only: alpha and a colour profile in a file are passed over.

    Args:
      directory: of an export's version.
      threads: int, of the interpreter.
    """

    def __init__(self, directory, threads=2):
        self._interpreters = {
            name: Interpreter(str(pathlib.Path(directory) / f"{name}.tflite"), num_threads=threads)
            for name in ("encoder", "decoder")
        }
        self._compress = self._interpreters["encoder"].get_signature_runner("compress")
        self._decompress = self._interpreters["decoder"].get_signature_runner("decompress")

    def compress(self, image, quality=50):
        """[height, width, 3] uint8, at least 1 x 1 -> bytes; quality 1 to 100."""
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise ValueError(f"image is {image.dtype} {image.shape}; expected uint8 (height, width, 3).")
        return self._compress(image=image[np.newaxis], quality=np.array([quality], np.int32))[
            "file"
        ].tobytes()

    def decompress(self, data):
        """Bytes -> [height, width, 3] uint8.

        Raises:
          ValueError: the file is damaged, or another model's.
        """
        result = self._decompress(file=np.frombuffer(data, np.uint8))
        if not result["ok"][0]:
            raise ValueError("the file is damaged, or was made by another model.")
        return result["image"][0]
