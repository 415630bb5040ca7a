"""The experiments of Sønderby et al. (2017), sections 5.2 to 5.4, in their form: all methods on small patches of one kind."""

import dataclasses

import numpy as np

from zoo.errors import UserError
from zoo.files import to_csv, write_text

PATCH, SCALE = 64, 4  # 16 x 16 to 64 x 64, as in the paper
SIZES = {
    "smoke": (60, 8, 16),
    "cpu": (4000, 32, 256),
    "paper": (40000, 64, 1000),
}  # steps, filters, patches to test on
BLOCKS, BATCH = 4, 16
LEARNING_RATES = 1e-3, 1e-5  # at first and at the end
ADVERSARIAL_RATES = 2e-4, 1e-5  # of generator and discriminator
START = {"affgan": "affmse", "softgan": "mse", "affdg": "affmse", "softdg": "mse", "affll": "affmse"}
LABELS = {"bicubic": "bicubic", "mse": "MSE", "mae": "MAE", "affmse": "AffMSE", "affmae": "AffMAE", "affgan": "AffGAN",
          "softgan": "SoftGAN", "affdg": "AffDG", "softdg": "SoftDG", "affll": "AffLL"}  # fmt: skip
COLUMNS = ("method", "psnr", "ssim", "inconsistency", "colour_drift", "gradient", "band")
SHOWN = 4  # patches in the figure
MANY = 50  # pictures of which a tenth can be held out


def add_arguments(parser):
    """Adds the options of `patches`."""
    parser.add_argument(
        "--train",
        default="sample:photos",
        help="pictures to take patches from, see zoo.data.load (default: %(default)s)",
    )
    parser.add_argument(
        "--test",
        default="sample:kodak",
        help="pictures to test on; 'held-out' for the last tenth of those of --train, or, of fewer than 50, the right quarter of "
        "each (default: %(default)s)",
    )
    parser.add_argument(
        "--methods",
        default="mse,affmse,softgan,affgan",
        help=f"of {', '.join(list(LABELS)[1:])}, with commas between (default: %(default)s)",
    )


def run_patches(run):
    """Trains each method on patches of a kind of picture, and compares what they make of patches held out.

    Methods that a pixel loss does not train begin with the variables of one that it does (`START`), for the same steps.

    Args:
      run: a `zoo.experiments.Run`.

    Returns:
      dict: `table`, a list of dicts of `COLUMNS`: psnr, dB, and ssim, of RGB; inconsistency, mean (x - A g)² in [0, 1];
      colour_drift, the largest change of a patch's mean colour, levels; gradient and band, see
      `zoo.superres.statistics.distances`; files.

    Raises:
      UserError: no such source or method, or pictures too small.
    """
    methods = run.options.methods.split(",")
    if not set(methods) <= set(LABELS) - {"bicubic"}:
        raise UserError(f"--methods={run.options.methods}: expected some of {', '.join(list(LABELS)[1:])}.")
    train, test = load_sources(run.options.train, run.options.test)
    steps, filters, count = SIZES[run.scale]
    large = draw_patches(test, count)
    rows, shown = [], {}
    trained = dict.fromkeys([START[m] for m in methods if m in START and START[m] not in methods])
    for method in ("bicubic", *trained, *methods):
        found = run.unit(
            f"{method}-{steps}",
            lambda m=method: measure(make(run.out, m, train, steps, filters), large),
        )
        shown[method] = np.array(found.pop("shown"), np.uint8)
        rows.append({"method": method} | found)
        print_row(rows[-1])
    write_text(run.out / "methods.csv", to_csv(rows, COLUMNS))
    plot(shown, large, rows, run.out / "patches.png")
    return {"steps": steps, "patches": count, "table": rows, "files": ["methods.csv", "patches.png"]}


def load_sources(train, test):
    """The pictures to train on and those to test on, two `zoo.data.source.Source`s.

    Raises:
      UserError: no such source, or a picture is smaller than a patch.
    """
    import zoo.data

    first = zoo.data.load(train, "train")
    if test != "held-out":
        second = zoo.data.load(test, "test")
    elif len(first) >= MANY:
        whole, last = first, len(first) - len(first) // 10
        first = dataclasses.replace(whole, size=last, arrays=None)
        second = dataclasses.replace(
            whole, size=len(whole) - last, get=lambda i: whole[last + i], arrays=None
        )
    else:
        whole = first
        first, second = (_columns(whole, part) for part in (slice(0, 3), slice(3, 4)))
    for source in (first, second):
        for i in range(len(source)):
            height, width, channels = source[i]["image"].shape
            if min(height, width) < PATCH or channels != 3:
                raise UserError(
                    f"picture {i + 1} of {source.name} has {width}x{height} pixels to use and {channels} channels; "
                    f"expected {PATCH} each way, in colour; leave it out."
                )
    return first, second


def _columns(source, quarters):
    """The same pictures, of whose quarters from left to right some are left."""

    def get(index):
        image = source[index]["image"]
        edges = np.linspace(0, image.shape[1], 5).astype(int)
        return {"image": image[:, edges[quarters.start] : edges[quarters.stop]]}

    shape = (None, None, source.features["image"][1][2])
    return dataclasses.replace(source, get=get, arrays=None, features={"image": ("uint8", shape)})


def draw_patches(source, count):
    """Patches to test on, the same in every run: [count, 64, 64, 3] uint8, as many from each picture as can be."""
    draw = np.random.default_rng(0)
    found = []
    for i in range(count):
        image = source[i % len(source)]["image"]
        top, left = (draw.integers(0, side - PATCH + 1) for side in image.shape[:2])
        found.append(image[top : top + PATCH, left : left + PATCH])
    return np.stack(found)


def make(out, method, train, steps, filters):
    """A trained method: function of small patches [n, 16, 16, 3] float32 to large ones."""
    import tensorflow as tf

    if method == "bicubic":
        return lambda small: tf.image.resize(small, [PATCH, PATCH], "bicubic")
    return fit(out, method, train, steps, filters)


def fit(out, method, train, steps, filters):
    """Trains a method, or reads the variables of one that was trained before: a `SuperResolution`."""
    import tensorflow as tf

    from zoo.superres.config import SuperResolutionConfig
    from zoo.superres.methods import ADVERSARIAL, GUIDES, make_guide, make_model

    def rate(first, last):
        return tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(first, steps, last / first))

    tf.keras.utils.set_random_seed(0)
    guide, own = None, {}
    if method in GUIDES:
        guide = make_guide(GUIDES[method], filters, BLOCKS)
        _fit_once(out, GUIDES[method], guide, train, steps, optimizer=rate(*LEARNING_RATES))
    optimizers = {"optimizer": rate(*LEARNING_RATES)}
    if method in START:
        optimizers = {"optimizer": rate(*ADVERSARIAL_RATES)}
    if method in ADVERSARIAL:
        own = {"noise_steps": max(1, round(0.8 * steps))}
        optimizers["discriminator_optimizer"] = rate(*ADVERSARIAL_RATES)
    model = make_model(method, SuperResolutionConfig(num_filters=filters, num_blocks=BLOCKS), guide, **own)
    if method in START:
        fit(out, START[method], train, steps, filters)
        model.variables_checkpoint().read(str(out / "models" / START[method])).expect_partial()
    _fit_once(out, method, model, train, steps, **optimizers)
    return model


def _fit_once(out, method, model, train, steps, **optimizers):
    """Trains a model, and writes its variables; reads them if they are there."""
    from zoo.data import pipeline

    path = str(out / "models" / method)
    if (out / "models" / f"{method}.index").exists():
        model.variables_checkpoint().read(path).expect_partial()
        return
    model.compile(**optimizers)
    patch = pipeline.random_patch(PATCH, transpose=True)
    data = pipeline.batches(train, BATCH, seed=0, stop_step=steps, transform=patch)
    print(f"training {method}, {steps} steps", flush=True)
    model.fit(data, verbose=0)
    model.variables_checkpoint().write(path)


def measure(enlarge, large):
    """What a method makes of the patches: a dict of the numbers of `COLUMNS`, and `shown`, the first few, as lists."""
    import tensorflow as tf

    from zoo.superres.projection import Downsample
    from zoo.superres.statistics import distances

    reduce, rows, pixels = Downsample(SCALE), [], []
    for part in np.array_split(large, -(-len(large) // 64)):
        reference = tf.constant(part / 255, tf.float32)
        small = tf.round(tf.clip_by_value(reduce(reference), 0, 1) * 255) / 255
        found = tf.cast(enlarge(small), tf.float32)
        error = small - reduce(found)
        clipped = tf.clip_by_value(found, 0, 1)
        drift = tf.reduce_max(tf.abs(tf.reduce_mean(error, axis=[1, 2])), axis=-1)
        shown = tf.cast(tf.round(255 * clipped), tf.uint8).numpy()
        textures = np.array([distances(a, b) for a, b in zip(shown, part, strict=True)])
        rows.append(
            np.stack(
                [
                    tf.image.psnr(clipped, reference, 1.0), tf.image.ssim(clipped, reference, 1.0),
                    tf.reduce_mean(error**2, axis=[1, 2, 3]), 255 * drift, *textures.T,
                ],
                axis=1,
            )
        )  # fmt: skip
        pixels.append(shown)
    rows, pixels = np.concatenate(rows), np.concatenate(pixels)
    means = dict(zip(COLUMNS[1:], rows.mean(axis=0).tolist(), strict=True))
    return means | {"colour_drift": float(rows[:, 3].max()), "shown": pixels[:SHOWN].tolist()}


def print_row(row):
    """Prints a row of the table."""
    print(
        f"{LABELS[row['method']]:<8} PSNR {row['psnr']:6.2f} dB  SSIM {row['ssim']:.4f}  (x - A g)² {row['inconsistency']:.1e}  "
        f"colours off by {row['colour_drift']:.1e} levels  edges {row['gradient']:.3f}  bands {row['band']:.3f}",
        flush=True,
    )


def plot(shown, large, rows, path):
    """Draws some patches, a row each, as they are reduced, as each method enlarges them, and as they were."""
    from matplotlib.figure import Figure

    from zoo.superres.projection import Downsample

    reference = large[:SHOWN]
    small = np.asarray(Downsample(SCALE)(reference.astype(np.float32))).round().clip(0, 255).astype(np.uint8)
    columns = (
        {"input": small}
        | {LABELS[method]: pixels for method, pixels in shown.items()}
        | {"original": reference}
    )
    numbers = {LABELS[row["method"]]: f"\n{row['psnr']:.2f} dB" for row in rows}
    figure = Figure(figsize=(1.75 * len(columns), 1.8 * SHOWN + 0.9), dpi=160, layout="constrained")
    for j, (name, pixels) in enumerate(columns.items()):
        for i in range(SHOWN):
            axes = figure.add_subplot(SHOWN, len(columns), i * len(columns) + j + 1)
            axes.imshow(pixels[i], interpolation="none")
            axes.set_axis_off()
            if i == 0:
                axes.set_title(name + numbers.get(name, "\n "), fontsize=11)
    figure.suptitle("Patches held out; PSNR is the mean over all of them", fontsize=12)
    figure.savefig(path)
