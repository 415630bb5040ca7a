"""Teaches Pillow the `.tln` format: after `import zoo.codec.pillow_plugin`, `Image.open` and `save` know it.

    image = Image.open("a.tln")     # reads the header; TensorFlow is loaded when pixels are asked for
    image.save("b.tln", quality=60, effort=3)

Options of `save`: `quality`, 1 to 100, or one of `target_bytes`, `target_bpp`, `target_psnr`; `effort`, 0 to 9; `model`,
a name or directory of an export. Alpha and the colour profile are kept. As everywhere in Pillow, what is wrong with a
file is an `OSError`, and what is wrong with an option a `ValueError`.
"""

import io

from PIL import Image, ImageFile, ImageOps

from zoo.codec.commands import DEFAULT_MODEL, SUFFIX
from zoo.coding.container import MAGIC, unpack
from zoo.errors import UserError

FORMAT = "TLN"
_TARGETS = ("target_bytes", "target_bpp", "target_psnr")


class TlnImageFile(ImageFile.ImageFile):
    """A `.tln` file as Pillow sees it; `info` has quality, and icc_profile where there is one."""

    format = FORMAT
    format_description = "Toulon's learned image codec"

    def _open(self):
        try:
            self._container = file = unpack(self.fp.read())
            profile = file.read_profile()
        except UserError as error:
            raise OSError(str(error)) from None
        self._size = file.width, file.height
        self._mode = ("L" if file.grey else "RGB") + ("A" if file.alpha else "")
        if file.quality:
            self.info["quality"] = file.quality
        if profile:
            self.info["icc_profile"] = profile
        self.tile = [ImageFile._Tile("raw", (0, 0, *self.size), 0, (self.mode,))]

    def load(self):
        if self.tile:
            from zoo.codec.files import load_codec_of

            try:
                image = load_codec_of(self._container).unpack(self._container).to_pillow()
            except UserError as error:
                raise OSError(str(error)) from None
            if self.fp and self._exclusive_fp:
                self.fp.close()
            self.fp = io.BytesIO(image.tobytes())
        return super().load()


def _save(image, file, filename):
    from zoo.codec.files import load_codec
    from zoo.codec.search import Target, compress
    from zoo.images.picture import from_pillow

    options = dict(image.encoderinfo)
    targets = [Target(key.removeprefix("target_"), options[key]) for key in _TARGETS if key in options]
    quality, effort = options.get("quality"), options.get("effort", 0)
    if len(targets) + (quality is not None) > 1:
        raise ValueError(f"give one of quality, {', '.join(_TARGETS)}.")
    if effort not in range(10):
        raise ValueError(f"effort is {effort!r}; expected 0 to 9.")
    image = ImageOps.exif_transpose(image)  # a copy; the orientation itself is not kept
    if "icc_profile" in options:
        image.info["icc_profile"] = options["icc_profile"] or b""
    try:
        codec = load_codec(options.get("model", DEFAULT_MODEL))
        encoded = compress(codec, from_pillow(image), quality, targets[0] if targets else None, effort)
    except UserError as error:
        raise ValueError(str(error)) from None
    file.write(encoded.data)


Image.register_open(FORMAT, TlnImageFile, lambda prefix: prefix[: len(MAGIC)] == MAGIC)
Image.register_save(FORMAT, _save)
Image.register_extension(FORMAT, SUFFIX)
