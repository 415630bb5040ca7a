"""Stacked digits: pictures of three digits, one a channel, of which there are 1,000 kinds. How many are made?"""

import numpy as np

from zoo.errors import UserError
from zoo.files import to_csv, write_text

SCALES = {
    "smoke": (16, 4, 2, 500, 100),
    "cpu": (6000, 24, 6, 26000, 6000),
    "paper": (50000, 64, 10, 26000, 12000),
}  # turns, filters, checkpoints, pictures to count, steps of the judge
BATCH = 64
SIDE = 32
NOISE_SIZE = 100
CHUNK = 500  # pictures in a call
SHEET = 64
COLUMNS = ("method", "turns", "estimate", "modes", "reverse_kl", "top_probability")


def add_arguments(parser):
    """Adds the options of `stacked`."""
    parser.add_argument(
        "--data",
        default="synthetic:gradients?height=28&width=28&channels=1&examples=2000",
        help="labelled grey pictures of ten classes, such as idx:mnist, see zoo.data.load (default: %(default)s)",
    )
    parser.add_argument(
        "--methods",
        default="wgan-gp,wgan,gan",
        help="of wgan-gp, wgan, gan, with commas between (default: %(default)s)",
    )


def run_stacked(run):
    """Trains each method on stacked digits and counts the kinds it makes, beside those in data and in noise.

    Args:
      run: a `zoo.experiments.Run`.

    Returns:
      dict: `judge`, its accuracy; `table`, a list of dicts of `COLUMNS`, controls first, then the last checkpoint of each method; files.

    Raises:
      UserError: no such method, or pictures that are not grey or not of ten classes.
    """
    from zoo.gan.judge import Judge
    from zoo.gan.picture_experiment import make_method, plot_sheets

    methods = run.options.methods.split(",")
    if not set(methods) <= {"wgan-gp", "wgan", "gan"}:
        raise UserError(f"--methods={run.options.methods}: expected some of wgan-gp, wgan, gan.")
    turns, _, _, count, steps = SCALES[run.scale]
    judge = Judge(run, run.options.data, count, steps, grey_classes=10, largest=SIDE)
    print(
        f"the judge is right for {100 * judge.accuracy:.2f} % of {len(judge.test)} test pictures", flush=True
    )
    rng = np.random.default_rng(0)
    index = rng.integers(0, len(judge.test), [count, 3])
    controls = {
        "data": lambda: count_kinds(judge, lambda i, n: stack(judge.test, index[i : i + n]), count),
        "noise": lambda: count_kinds(judge, lambda i, n: noise(i, n, judge.train.shape[1]), count),
    }
    table, rows, sheets = [], [], {}
    for name, measure in controls.items():
        table.append({"method": name} | run.unit(f"control-{name}", measure))
        print_row(table[-1])
    for method in methods:
        found = run.unit(
            f"{method}-{turns}", lambda m=method: train(make_method(m), judge, SCALES[run.scale])
        )
        own = [{"method": method} | row for row in found["rows"]]
        rows += own
        table.append(own[-1])
        sheets[f"{method}: {own[-1]['modes']} of 1000 kinds"] = np.array(found["sheet"], np.uint8)
        print_row(table[-1])
    write_text(run.out / "checkpoints.csv", to_csv(rows, COLUMNS))
    plot_sheets(sheets, run.out / "stacked.png")
    return {
        "judge": judge.accuracy,
        "turns": turns,
        "pictures": count,
        "table": [{key: row.get(key) for key in COLUMNS} for row in table],
        "files": ["checkpoints.csv", "stacked.png"],
    }


def stack(images, index):
    """Pictures of three channels in [-1, 1]: [n, s, s, 1] uint8, [m, 3] -> [m, s, s, 3] float32."""
    return np.moveaxis(images[index][..., 0], 1, -1).astype(np.float32) / 127.5 - 1


def noise(first, count, side):
    """Uniform noise in [-1, 1]: [count, side, side, 3]."""
    return np.random.default_rng(first).uniform(-1, 1, [count, side, side, 3]).astype(np.float32)


def count_kinds(judge, make, count):
    """`stacked_modes` of pictures that a function of (first, count) makes, channel by channel."""
    from zoo.gan.classifier import classify
    from zoo.gan.image_metrics import stacked_modes

    parts = []
    for first in range(0, count, CHUNK):
        images = make(first, min(CHUNK, count - first))
        parts.append([classify(judge.model, images[..., c : c + 1])[0] for c in range(3)])
    return stacked_modes(np.concatenate(parts, axis=1))


def train(method, judge, scale):
    """A run: dict of rows, see `InGraphRun.run`, and a sheet of samples."""
    import tensorflow as tf

    from zoo.data.squares import to_signed
    from zoo.gan.training import InGraphRun
    from zoo.images.sheets import make_sheet

    turns, filters, checkpoints, count, _ = scale
    side = judge.train.shape[1]
    before = (SIDE - side) // 2
    border = [(0, 0), *[(before, SIDE - side - before)] * 2, (0, 0)]
    resident = tf.constant(np.pad(judge.train, border))

    def draw(seed, count):
        index = tf.random.stateless_uniform([count, 3], seed, 0, len(judge.train), tf.int32)
        digits = tf.gather(resident, index)[..., 0]  # [B, 3, SIDE, SIDE]
        return to_signed(tf.transpose(digits, [0, 2, 3, 1]))

    networks = {
        "shape": (SIDE, SIDE, 3), "generator": "dcgan", "critic": "dcgan", "generator_filters": filters,
        "critic_filters": filters, "noise_size": NOISE_SIZE,
    }  # fmt: skip
    game = InGraphRun(method, networks, draw, BATCH, seed=0, jit_compile=False)

    def make(first, count):
        images = game.model.sample(count, seed=first, training=True).numpy()
        return images[:, before : before + side, before : before + side]

    rows = game.run(turns, lambda: count_kinds(judge, make, count), checkpoints)
    return {"rows": rows, "sheet": make_sheet(make(10**6, SHEET)).tolist()}


def print_row(row):
    """One method or control, for the terminal."""
    print(
        f"{row['method']:<8} kinds {row['modes']:>5} of 1000   reverse KL {row['reverse_kl']:.3f} nats   top probability "
        f"{row['top_probability']:.3f}",
        flush=True,
    )
