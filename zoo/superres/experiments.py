"""The experiments of super-resolution, see `zoo.experiments`."""

import argparse
import functools
import glob
import io
import os
import re
import time

import numpy as np

from zoo.arguments import fraction
from zoo.errors import UserError
from zoo.experiments import Experiment
from zoo.files import to_csv, write_text
from zoo.superres import patch_experiment, toy_experiments

COLUMNS = ("set", "picture", "method", "psnr", "ssim", "gradient", "band", "rms", "worst", "seconds")
COUNTS = {"smoke": 2, "cpu": 10, "paper": None}  # pictures of each set
NOISES = 2, 4, 8, 16  # levels: deviations of the noise of the controls


def add_benchmark_arguments(parser):
    """Adds the options of `benchmark`."""
    parser.add_argument(
        "--models",
        default="affmse-x4,affmse-x4-small",
        help="trained models, names or directories of exports with commas between (default: %(default)s)",
    )
    parser.add_argument(
        "--sets",
        default="sample:kodak",
        help="with commas between: folders of pairs such as img_001_HR.png and img_001_LRx4.png, or sources of pictures to "
        "reduce, such as 'folder:photos/*.png' (default: %(default)s)",
    )
    parser.add_argument(
        "--jpeg",
        type=int,
        metavar="QUALITY",
        help="small pictures go through JPEG of this quality first, 1 to 95",
    )
    parser.add_argument(
        "--strengths",
        default="1",
        help="how far results keep to the input, see toulon upscale (default: %(default)s)",
    )
    parser.add_argument(
        "--noise-control",
        action="store_true",
        help="beside them, the first model's enlargements with noise added",
    )
    parser.add_argument(
        "--update-cards", action="store_true", help="write what was measured into the models' cards"
    )


def run_benchmark(run):
    """Enlarges test sets and compares with the originals by the field's protocol, beside bicubic interpolation.

    Args:
      run: a `zoo.experiments.Run`.

    Returns:
      dict: `averages`, a list of dicts of set, method, pictures and the means of `COLUMNS`: psnr, dB, and ssim, of luma;
      gradient and band, see `zoo.superres.statistics.distances`; rms and worst of A g - x, levels; files.

    Raises:
      UserError: no such model or set.
    """
    from zoo.superres.upscale import Upscaler

    upscalers = [Upscaler(name) for name in run.options.models.split(",")]
    scale = upscalers[0].scale
    if len({(upscaler.scale, upscaler.kernel) for upscaler in upscalers}) > 1:
        raise UserError(f"--models={run.options.models}: all must have one factor and one kernel.")
    if len({upscaler.name for upscaler in upscalers}) < len(upscalers):
        raise UserError(f"--models={run.options.models}: two are called the same.")
    if run.options.update_cards and (run.options.jpeg is not None or run.options.strengths != "1"):
        raise UserError("--update-cards is for the benchmark as it is, without --jpeg and --strengths.")
    kernel, models = upscalers[0].kernel, "-".join(upscaler.fingerprint for upscaler in upscalers)
    methods = {"bicubic": interpolate}
    for upscaler in upscalers:
        for text in run.options.strengths.split(","):
            name = upscaler.name if text == "1" else f"{upscaler.name}, strength {text}"
            methods[name] = functools.partial(upscaler, strength=_strength(text))
    if run.options.noise_control:
        methods |= {f"{upscalers[0].name} + noise {d}": NoiseControl(upscalers[0], d) for d in NOISES}
    rows = []
    sources = run.options.sets.split(",")
    names = [source.rstrip("/").rpartition("/")[2] for source in sources]
    if len(set(names)) < len(names):
        names = sources
    for name, source in zip(names, sources, strict=True):
        for number, (small, large) in enumerate(load_pairs(source, scale, COUNTS[run.scale], kernel)):
            if run.options.jpeg is not None:
                small = through_jpeg(small, run.options.jpeg)
            for method, enlarge in methods.items():
                key = f"{name}-{number + 1:03d}-{method}-{models}"
                row = (name, number, method, enlarge, small, large, kernel)
                rows.append(run.unit(key, lambda row=row: measure(*row)))
            if number == 0:
                shown = {key: one for key, one in methods.items() if not isinstance(one, NoiseControl)}
                show_crops(
                    shown, small, large, name, run.out / f"crops-{re.sub(r'[^A-Za-z0-9]+', '-', name)}.png"
                )
    averages = average(rows)
    print_table(averages)
    write_text(run.out / "pictures.csv", to_csv(rows, COLUMNS))
    if run.options.update_cards:
        update_cards(upscalers, averages)
    crops = sorted(path.name for path in run.out.glob("crops-*.png"))
    return {"scale": scale, "averages": averages, "files": ["pictures.csv", *crops]}


def _strength(text):
    try:
        return fraction(text)
    except argparse.ArgumentTypeError as error:
        raise UserError(f"--strengths: {error}.") from None


def through_jpeg(image, quality):
    """A picture as JPEG files have it: [h, w, 3] uint8 -> the same."""
    from PIL import Image

    if not 1 <= quality <= 95:
        raise UserError(f"--jpeg is {quality}; 1 to 95 is expected.")
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


class NoiseControl:
    """What white noise does to the measures: a model's enlargement with noise, projected to be consistent again.

    A measure of texture by which noise is as good as a model that draws details would measure nothing.

    Args:
      upscaler: an `Upscaler`.
      deviation: float, of the noise, levels.
    """

    def __init__(self, upscaler, deviation):
        self.upscaler, self.deviation = upscaler, deviation

    def __call__(self, small):
        from zoo.superres.projection import AffineProjection
        from zoo.superres.upscale import Enlarged

        pixels = self.upscaler(small).pixels
        noisy = pixels + np.random.default_rng(0).normal(0, self.deviation, pixels.shape)
        pair = [small[np.newaxis].astype(np.float32), noisy[np.newaxis].astype(np.float32)]
        consistent = np.asarray(AffineProjection(self.upscaler.scale, self.upscaler.kernel)(pair))[0]
        return Enlarged(consistent.round().clip(0, 255).astype(np.uint8), float("nan"), float("nan"))


def interpolate(small, scale=4):
    """Bicubic interpolation, as the baseline of all papers: an `Enlarged` without its consistency."""
    from PIL import Image

    from zoo.superres.upscale import Enlarged

    size = (small.shape[1] * scale, small.shape[0] * scale)
    pixels = np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))
    return Enlarged(pixels, float("nan"), float("nan"))


def load_pairs(source, scale, count=None, kernel="bicubic"):
    """Pairs of small and large pictures of a test set.

    Args:
      source: a folder of NAME_HR….EXT and NAME_LRx4.png, or a source of large pictures, see `zoo.data.load`.
      scale: int.
      count: int, the first so many; None for all.
      kernel: str, by which large pictures are reduced, see `Downsample`.

    Yields:
      (small [h, w, 3] uint8, large [s h, s w, 3] uint8). Where the large one is not s times as large, what is beyond is
      left out at the bottom and right.

    Raises:
      UserError: no such set.
    """
    from zoo.images.files import read_rgb

    if os.path.isdir(source):
        if kernel != "bicubic":
            raise UserError(
                f"{source} holds pictures that were reduced by bicubic, and the models' kernel is {kernel}."
            )
        files = sorted(glob.glob(os.path.join(glob.escape(source), f"*_LRx{scale}.*")))[:count]
        if not files:
            raise UserError(f"{source} has no pictures called NAME_LRx{scale}.png.")
        for file in files:
            stem = file.rpartition("_LRx")[0]
            originals = glob.glob(glob.escape(stem) + "_HR*")
            if not originals:
                raise UserError(f"{file} has no original; {stem}_HR.png is expected.")
            small, large = read_rgb(file), read_rgb(originals[0])
            yield small, large[: scale * small.shape[0], : scale * small.shape[1]]
        return
    import zoo.data
    from zoo.superres.projection import Downsample

    pictures, reduce = zoo.data.load(source, "test"), Downsample(scale, kernel)
    for i in range(len(pictures) if count is None else min(count, len(pictures))):
        large = pictures[i]["image"]
        height, width = (side // scale * scale for side in large.shape[:2])
        large = large[:height, :width]
        small = np.round(np.asarray(reduce(large[np.newaxis].astype(np.float32)))[0].clip(0, 255))
        yield small.astype(np.uint8), large


def measure(name, number, method, enlarge, small, large, kernel="bicubic"):
    """A row of the table, a dict of `COLUMNS`."""
    from zoo.superres.benchmark import psnr_y, ssim_y
    from zoo.superres.statistics import distances

    scale = large.shape[0] // small.shape[0]
    start = time.perf_counter()
    enlarged = enlarge(small) if method != "bicubic" else enlarge(small, scale)
    seconds = time.perf_counter() - start
    if not np.isfinite(enlarged.rms):
        error = _inconsistency(enlarged.pixels, small, scale, kernel)
        rms, worst = float(np.sqrt(np.mean(error**2))), float(np.abs(error).max())
    else:
        rms, worst = enlarged.rms, enlarged.worst
    gradient, band = distances(enlarged.pixels, large)
    return {
        "set": name,
        "picture": number + 1,
        "method": method,
        "psnr": psnr_y(enlarged.pixels, large, scale),
        "ssim": ssim_y(enlarged.pixels, large, scale),
        "gradient": gradient,
        "band": band,
        "rms": rms,
        "worst": worst,
        "seconds": round(seconds, 4),
    }


def _inconsistency(pixels, small, scale, kernel):
    """What a picture of 8 bits differs by from the small one when it is reduced, in levels."""
    from zoo.superres.projection import Downsample

    return np.asarray(Downsample(scale, kernel)(pixels[np.newaxis].astype(np.float32)))[0] - small


def show_crops(methods, small, large, name, path):
    """Draws the middle of a picture as each method enlarges it, beside the original."""
    from zoo.images.side_by_side import show_side_by_side
    from zoo.superres.benchmark import psnr_y, ssim_y

    scale = large.shape[0] // small.shape[0]
    nearest = small.repeat(scale, axis=0).repeat(scale, axis=1)
    panels = [("original\n ", large), ("the small picture\n ", nearest)]
    for method, enlarge in methods.items():
        pixels = (enlarge(small, scale) if method == "bicubic" else enlarge(small)).pixels
        numbers = f"{psnr_y(pixels, large, scale):.2f} dB, SSIM {ssim_y(pixels, large, scale):.4f}"
        panels.append((f"{method}\n{numbers}", pixels))
    title = f"The first picture of {name}; numbers are of its whole luma"
    show_side_by_side(panels, title, path, size=160, zoom=3)


def average(rows):
    """Means over the pictures of each set and method."""
    averages = []
    for name, method in dict.fromkeys((row["set"], row["method"]) for row in rows):
        own = [row for row in rows if (row["set"], row["method"]) == (name, method)]
        means = {
            key: float(np.mean([row[key] for row in own]))
            for key in ("psnr", "ssim", "gradient", "band", "rms", "seconds")
        }
        worst = max(row["worst"] for row in own)
        averages.append({"set": name, "method": method, "pictures": len(own)} | means | {"worst": worst})
    return averages


def update_cards(upscalers, averages):
    """Writes what was measured, by test set, into the models' cards."""
    from zoo import registry
    from zoo.export.card import write_card

    for upscaler in upscalers:
        card = registry.read_card(upscaler.directory)
        card["metrics"]["benchmark"] = card["metrics"].get("benchmark", {}) | {
            row["set"]: {key: round(row[key], 4) for key in ("psnr", "ssim", "gradient", "band", "rms")}
            | {"pictures": row["pictures"]}
            for row in averages
            if row["method"] == upscaler.name
        }
        write_card(upscaler.directory, card)


def print_table(averages):
    """Prints the averages."""
    print(
        f"\n{'set':<16}{'method':<30}{'PSNR, dB':>9}{'SSIM':>8}{'edges':>8}{'bands':>8}{'A g - x, levels RMS':>21}"
        f"{'at most':>9}{'s':>8}"
    )
    for row in averages:
        print(
            f"{row['set']:<16}{row['method']:<30}{row['psnr']:>9.2f}{row['ssim']:>8.4f}{row['gradient']:>8.3f}"
            f"{row['band']:>8.3f}{row['rms']:>21.3f}{row['worst']:>9.1f}{row['seconds']:>8.3f}"
        )
    print(
        "edges, bands: distances of the histograms of gradient and band-pass responses to the original's; 0 is equal"
    )
    print("A g - x: what the enlarged picture, reduced again, differs from the small one by, of 255 levels")


EXPERIMENTS = {
    "patches": Experiment(
        name="patches",
        description="table 2 and figures 3 to 5: all methods on patches of one kind, such as textures or faces, 16 to 64 pixels",
        durations={"smoke": "1 minute", "cpu": "1 hour", "paper": "a day"},
        run=patch_experiment.run_patches,
        add_arguments=patch_experiment.add_arguments,
    ),
    "swiss-roll": Experiment(
        name="swiss-roll",
        description="table 1 and figure 1: cross-entropies of MAP, MSE, MAE and the GAN- and denoiser-guided methods in 2-D",
        durations={"smoke": "1 minute", "cpu": "half an hour", "paper": "4 hours"},
        run=toy_experiments.run_swiss_roll,
    ),
    "variational": Experiment(
        name="variational",
        description="appendix F: the divergence a consistent GAN lowers is that of variational inference",
        durations={"smoke": "1 minute", "cpu": "10 minutes", "paper": "3 hours"},
        run=toy_experiments.run_variational,
    ),
    "benchmark": Experiment(
        name="benchmark",
        description="PSNR and SSIM on test sets by the field's protocol, beside bicubic interpolation, with crops",
        durations={"smoke": "20 seconds", "cpu": "2 minutes", "paper": "5 minutes"},
        run=run_benchmark,
        add_arguments=add_benchmark_arguments,
    ),
}
