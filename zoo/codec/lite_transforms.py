"""A codec whose transforms run in TFLite, to measure what weights of half or a quarter of the precision cost."""

import numpy as np
import tensorflow as tf

from zoo import registry
from zoo.codec.files import FileCodec
from zoo.codec.lite_export import DECODER, ENCODER, INT8
from zoo.errors import UserError
from zoo.images.picture import Picture

FILES = {
    "float16": {"analyze": ENCODER, "synthesize": DECODER},
    "int8": {"analyze": INT8, "synthesize": INT8},
}  # by how they keep weights


class LiteTransformsCodec(FileCodec):
    """A `FileCodec` for pictures of moderate size, its transforms in a `.tflite` file of the export.

    Args:
      name: str, a model's name, or the directory of an export or of one of its versions.
      weights: "float16" or "int8".

    Raises:
      UserError: the export has no such file.
    """

    def __init__(self, name, weights):
        directory = registry.find_export(name)
        super().__init__(directory)
        self._lite = {}
        for name, file in FILES[weights].items():
            path = directory / file
            if not path.exists():
                raise UserError(f"{directory} has no {file}; write it with `toulon export`.")
            interpreter = tf.lite.Interpreter(model_path=str(path), num_threads=2)
            self._lite[name] = interpreter.get_signature_runner(name)

    def encode(self, image, quality=None):
        quality = self.check_quality(quality)
        symbols = self._lite["analyze"](image=image[np.newaxis], **self._lite_quality(quality))["latents"][0]
        return self.pack(Picture(image), symbols, quality)

    def restore(self, symbols, quality, height, width):
        latents = symbols[np.newaxis].astype(np.int32)
        return self._lite["synthesize"](latents=latents, **self._lite_quality(quality))["image"][
            0, :height, :width
        ]

    def _lite_quality(self, quality):
        return {"quality": np.array([quality], np.int32)} if self.qualities > 1 else {}
