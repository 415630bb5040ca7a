"""`toulon upscale`."""

import dataclasses
import os

import numpy as np
from PIL import Image

from zoo.arguments import fraction
from zoo.errors import UserError
from zoo.images.deep import is_deep, read_deep, write_deep
from zoo.images.files import EXTENSIONS, check_writable, read_rgb, write_image
from zoo.images.jobs import Outcome, find_jobs, run_jobs
from zoo.images.picture import read_picture
from zoo.registry import start_graphs_at_once

DEFAULT_MODEL = "affmse-x4"
LOSSY = (".jpg", ".jpeg")  # whose files are not what was enlarged


def add_arguments_upscale(parser):
    parser.add_argument(
        "input", nargs="+", help="pictures (PNG, JPEG, WebP, TIFF, BMP, …) and folders of them"
    )
    parser.add_argument("output", help="the picture to write; a folder, for several pictures or a folder")
    parser.add_argument(
        "--model", default=DEFAULT_MODEL, help="name or directory of an export (default %(default)s)"
    )
    parser.add_argument("--scale", type=int, help="factor; an error if the model has another")
    parser.add_argument(
        "--strength", type=fraction, default=1.0,
        help="how far the result keeps to the input, from 1, whose pixels it then gives back when reduced, to 0, for inputs "
        "with noise or artifacts of JPEG (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--samples",
        type=int,
        metavar="N",
        help="several plausible results, OUT-1 to OUT-N, of a stochastic model",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the first sample of a stochastic model (default %(default)s)"
    )
    parser.add_argument(
        "--format", default="png", help="of pictures written to a folder (default %(default)s)"
    )
    parser.add_argument("--force", action="store_true", help="write over files that are there")


def run_upscale(args):
    """Enlarges pictures and says how consistent the files are."""
    extension = "." + args.format.lower().lstrip(".")
    check_writable("picture" + extension)
    if args.samples is not None and args.samples < 1:
        raise UserError(f"--samples is {args.samples}; 1 or more is expected.")
    jobs = find_jobs(args.input, args.output, EXTENSIONS, extension)
    upscaler = None

    def load():
        from zoo.superres.upscale import Upscaler

        start_graphs_at_once()
        exact_products()
        loaded = Upscaler(args.model)
        if args.scale not in (None, loaded.scale):
            raise UserError(
                f"{args.model} enlarges {loaded.scale} times, not {args.scale} times; leave --scale out."
            )
        if args.samples and not loaded.noise_channels:
            raise UserError(f"{args.model} gives one result; --samples is for a stochastic model.")
        return loaded

    if len(jobs) > 1:  # what is wrong with the options is told once, not for every file
        upscaler = load()

    def work(source, destination):
        nonlocal upscaler
        names = sample_names(destination, args.samples)
        for name in names:
            check_free(name, args.force)
        deep = destination.lower().endswith(".png") and is_deep(source)
        picture = read_deep(source) if deep else read_picture(source)
        check_writable(destination, transparent=picture.alpha is not None)
        upscaler = upscaler or load()
        texts = []
        for i, name in enumerate(names):
            large, enlarged = enlarge(upscaler, picture, args.strength, args.seed + i, show=len(jobs) == 1)
            if deep:
                write_deep(name, large)
            else:
                write_image(name, large.to_pillow())
                if name.lower().endswith(LOSSY):
                    enlarged = upscaler.measure(read_rgb(name), picture.rgb)
            texts.append(
                f"off by {enlarged.rms:.2f} levels RMS, {enlarged.worst:.2f} at most, when reduced again"
            )
        height, width = enlarged.pixels.shape[:2]
        return Outcome(f"{width} x {height}, {'; '.join(texts)}", picture.notes)

    return run_jobs("upscale", jobs, work)


def exact_products():
    """Keeps GPUs from products of 10 bits (TF32), with which results would not keep to the input."""
    import tensorflow as tf

    tf.config.experimental.enable_tensor_float_32_execution(False)


def check_free(path, force):
    """Raises a `UserError` if a file is there and shall not be written over."""
    if os.path.exists(path) and not force:
        raise UserError(f"{path} is there already; --force writes over it.")


def sample_names(destination, samples):
    """The files to write: the destination, or NAME-1.png, NAME-2.png, … for several samples."""
    if not samples:
        return [destination]
    stem, extension = os.path.splitext(destination)
    return [f"{stem}-{i + 1}{extension}" for i in range(samples)]


def enlarge(upscaler, picture, strength=1.0, seed=None, show=False):
    """A `Picture` enlarged, and its `Enlarged`; alpha is enlarged by bicubic interpolation.

    Args:
      upscaler: a `zoo.superres.upscale.Upscaler`.
      picture: a `zoo.images.picture.Picture`, of 8 or 16 bits.
      strength, seed: see `Upscaler`.
      show: bool, a progress bar if it takes more than two seconds.
    """
    from tqdm import tqdm

    height, width = picture.rgb.shape[:2]
    total = upscaler.count_tiles(height, width)
    with tqdm(total=total, unit="tile", delay=2, leave=False, disable=None if show else True) as bar:
        enlarged = upscaler(picture.rgb, strength, seed, bar.update)
    large = with_pixels(picture, enlarged.pixels)
    return large, upscaler.measure(large.rgb, picture.rgb) if picture.grey else enlarged


def with_pixels(picture, pixels):
    """The picture with the enlarged pixels for its own, and its alpha enlarged by bicubic interpolation: like `picture`."""
    alpha = picture.alpha
    if alpha is not None:
        top = np.iinfo(alpha.dtype).max
        large = Image.fromarray(alpha.astype(np.float32)).resize(
            pixels.shape[1::-1], Image.Resampling.BICUBIC
        )
        alpha = np.asarray(large).round().clip(0, top).astype(alpha.dtype)
    if picture.grey:  # any mean of consistent channels is consistent
        grey = np.round(pixels.mean(axis=2)).astype(pixels.dtype)
        pixels = np.repeat(grey[..., np.newaxis], 3, axis=2)
    return dataclasses.replace(picture, rgb=pixels, alpha=alpha)
