"""Enlarges pictures of any kind and size with an export, in bounded memory, by whatever TensorFlow is installed."""

import dataclasses
import fractions

import numpy as np

from zoo import registry
from zoo.errors import UserError
from zoo.images.limits import MAX_PIXELS
from zoo.images.tiles import by_tiles
from zoo.superres.clipping import RELAXATION, clip_consistently

TILE = 640  # largest side of a tile, in pixels of the small picture
MARGIN = 6  # what A⁺ looks at beyond a tile, at most, in pixels of the small picture; A looks at 2
STRIP = 128  # rows of the small picture that are projected at a time


@dataclasses.dataclass(frozen=True)
class Enlarged:
    """An enlarged picture.

    Attributes:
      pixels: [s h, s w, 3], of the dtype of the small one, uint8 or uint16.
      rms, worst: float, how far it is from the small picture when it is reduced again, in levels of 8 bits.
    """

    pixels: np.ndarray
    rms: float
    worst: float


class Upscaler:
    """A super-resolution export, for NumPy arrays.

    The network works tile by tile, with margins as wide as it looks, so that a tile's result is that of the whole. Then
    the whole is projected, strip by strip; seams, if there were any, could not change what it looks like reduced.

    GPUs that take products of 10 bits unless told (TF32) do not keep to the input; the commands tell them, with
    `tf.config.experimental.enable_tensor_float_32_execution(False)`.

    Args:
      name: str, a model's name, or the directory of an export or of one of its versions.

    Attributes:
      name, directory, scale, kernel, projected, noise_channels: of the export.
      fingerprint: str, of its trained variables.

    Raises:
      UserError: there is no such export, it is no super-resolution model, or it is one for grey pictures.
    """

    def __init__(self, name):
        self.directory = directory = registry.find_export(name)
        card = registry.read_card(directory)
        if "scale" not in card:
            raise UserError(
                f"{name} does not enlarge pictures; toulon list '*superres*' shows models that do."
            )
        self.name, self.scale, self.projected = card["name"], card["scale"], card["config"]["projected"]
        self.noise_channels, self.kernel = card["config"]["noise_channels"], card["config"]["kernel"]
        if card["config"]["channels"] != 3:
            raise UserError(f"{name} is for grey pictures; its signatures take them, this does not.")
        self.fingerprint = registry.fingerprint(directory)
        self._reach = max(card["reach"], MARGIN)
        signatures = registry.load_export(directory)
        self._candidate, self._down, self._up = (
            signatures[key] for key in ("candidate", "downsample", "upsample")
        )

    def check_size(self, height, width):
        """Raises a `UserError` if a picture of this size would become too large."""
        pixels = height * width * self.scale**2
        if pixels > MAX_PIXELS:
            raise UserError(
                f"{width} x {height} times {self.scale} is {pixels / 1e6:.0f} megapixels; at most {MAX_PIXELS / 1e6:.0f} are made."
            )

    def count_tiles(self, height, width):
        """How many tiles a picture of this size is worked on in."""
        tile = _tile(height, width)
        return -(-height // tile) * -(-width // tile)

    def __call__(self, image, strength=1.0, seed=None, after_tile=lambda: None):
        """Enlarges a picture.

        Args:
          image: [h, w, 3] uint8 or uint16, from 1 x 1 pixels on.
          strength: β of the projection: 1 for results that are consistent, as far as whole levels are, 0 for what the
            network makes of the picture.
          seed: int, for a stochastic model: another one, another plausible result. None for no noise.
          after_tile: called when a tile is done, see `count_tiles`.

        Returns:
          An `Enlarged`.

        Raises:
          UserError: the result would be too large.
        """
        height, width = image.shape[:2]
        self.check_size(height, width)
        top = np.iinfo(image.dtype).max
        small = image.astype(np.float32) / top
        inputs = (
            small if not self.noise_channels else np.concatenate([small, self._noise(small, seed)], axis=2)
        )

        def candidate(part):
            result = self._run(
                self._candidate, part[..., :3], *([part[..., 3:]] if self.noise_channels else [])
            )
            after_tile()
            return result

        large = np.empty([height * self.scale, width * self.scale, 3], np.float32)
        by_tiles(candidate, inputs, large, self.scale, _tile(height, width), self._reach)
        if self.projected:
            self._project(large, small, strength)
        if self.projected and strength == 1:
            clip_consistently(large, _overclip, lambda pictures: self._project(pictures, small, 1.0))
        pixels = np.empty(large.shape, image.dtype)
        for start in range(0, len(large), STRIP * self.scale):  # so that there is no second array of floats
            rows = slice(start, start + STRIP * self.scale)
            pixels[rows] = np.round(large[rows].clip(0, 1) * top)
        del large
        return self.measure(pixels, small)

    def measure(self, pixels, small):
        """How far an enlarged picture is from the small one: an `Enlarged`.

        Args:
          pixels: [s h, s w, 3] uint8 or uint16.
          small: [h, w, 3] of the same dtype, or float32 in [0, 1].
        """
        top = np.iinfo(pixels.dtype).max
        if small.dtype != np.float32:
            small = small.astype(np.float32) / top
        error = 255 * (small - self._reduce(pixels, np.float32(1 / top)))
        return Enlarged(pixels, float(np.sqrt(np.mean(error**2))), float(np.abs(error).max()))

    def _noise(self, small, seed):
        """The noise that the signatures draw for a seed, [h, w, N]; zeros for None."""
        shape = [*small.shape[:2], self.noise_channels]
        if seed is None:
            return np.zeros(shape, np.float32)
        import tensorflow as tf

        return tf.random.stateless_normal(shape, [seed, 0]).numpy()

    def _project(self, large, small, strength):
        """Projects in place, g = f + β A⁺ (x - A f); returns `large`."""
        residual = strength * (small - self._reduce(large, np.float32(1)))
        for start in range(0, len(small), STRIP):
            first = max(0, start - MARGIN)
            part = self._run(self._up, residual[first : start + STRIP + MARGIN])
            rows = large[start * self.scale : (start + STRIP) * self.scale]
            rows += part[(start - first) * self.scale :][: len(rows)]
        return large

    def _reduce(self, large, unit):
        """A of a large picture, times `unit`: [s h, s w, 3] -> [h, w, 3] float32."""
        small = np.empty([side // self.scale for side in large.shape[:2]] + [3], np.float32)

        def reduce(part):
            return self._run(self._down, part.astype(np.float32) * unit)

        scale = fractions.Fraction(1, self.scale)
        by_tiles(reduce, large, small, scale, _tile(*small.shape[:2]) * self.scale, 2 * self.scale)
        return small

    @staticmethod
    def _run(signature, image, *noise):
        import tensorflow as tf

        inputs = dict(zip(("image", "noise"), (image, *noise), strict=False))
        return signature(**{key: tf.constant(array[np.newaxis]) for key, array in inputs.items()})["image"][
            0
        ].numpy()


def _tile(height, width):
    """Side of the tiles: as even as it gets, so that margins cost little."""
    side = max(height, width)
    return -(-side // -(-side // TILE))


def _overclip(large):
    """Moves what is outside of [0, 1] `RELAXATION` times as far as to its edge, in place; returns `large`."""
    for start in range(0, len(large), 512):
        rows = large[start : start + 512]
        rows += RELAXATION * (rows.clip(0, 1) - rows)
    return large
