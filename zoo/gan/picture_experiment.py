"""Pictures: the number that training reports beside their quality, for every objective and architecture."""

import numpy as np

from zoo.errors import UserError
from zoo.files import to_csv, write_text
from zoo.gan.judge import FEW, Judge

SCALES = {
    "smoke": (16, 32, 4, 4, 200, 100),
    "cpu": (3000, 256, 16, 10, 2000, 3000),
    "paper": (100000, 512, 64, 50, 10000, 12000),
}  # turns, width of mlp, filters of dcgan, checkpoints, samples to measure, steps of the judge
BATCH = 64
COLUMNS = (
    "arm", "turns", "estimate", "held_out", "distance", "generator_gradient", "total_variation", "top_probability", "score",
    "kernel_distance", "pyramid_distance", "diversity", "duplicates",
)  # fmt: skip
SHEET = 64
CONTROLS = ("data", "noise")


def add_arguments(parser):
    """Adds the options of `pictures`."""
    parser.add_argument(
        "--data",
        default="synthetic:shapes?height=28&width=28&channels=1&examples=2000",
        help="labelled pictures, such as idx:mnist, see zoo.data.load (default: %(default)s)",
    )
    parser.add_argument(
        "--arms",
        default="wgan-gp/mlp/mlp,wgan/mlp/mlp,gan/mlp/mlp",
        help="OBJECTIVE/GENERATOR/CRITIC with commas between: wgan-gp, wgan, gan; mlp, dcgan, dcgan-plain; mlp, dcgan "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--models", help="exported generators to measure beside the arms, with commas between"
    )
    parser.add_argument(
        "--update-cards", action="store_true", help="write what was measured of them into their cards"
    )


def run_pictures(run):
    """Trains each arm, and measures its pictures on the way by a classifier that is trained here.

    Args:
      run: a `zoo.experiments.Run`.

    Returns:
      dict: `judge`, the classifier's accuracy on test pictures; `table`, a list of dicts of `COLUMNS`, the last checkpoint of each arm and the
      controls, training pictures and noise (held_out is the estimate with test pictures in place of those that were learnt from); `tracks`, the rank correlation of the estimate with the kernel distance, by arm; files.

    Raises:
      UserError: no such arm, or pictures without labels.
    """
    from zoo import registry
    from zoo.gan.training import tracks

    arms = run.options.arms.split(",") if run.options.arms else []
    for arm in arms:
        parse_arm(arm)
    exports = find_exports(run.options.models.split(",")) if run.options.models else {}
    if not arms and not exports:
        raise UserError("--arms and --models are both empty; give one of them.")
    turns, *_ = SCALES[run.scale]
    judge = Judge(run, run.options.data, *SCALES[run.scale][4:])
    print(
        f"the judge is right for {100 * judge.accuracy:.2f} % of {len(judge.test)} test pictures", flush=True
    )
    controls = {
        name: run.unit(f"control-{name}", lambda n=name: judge.measure(judge.control(n))) for name in CONTROLS
    }
    rows, table, found, sheets, curves = [], [], {}, {}, {}
    for name, values in controls.items():
        table.append({"arm": name} | values)
        print_row(table[-1])
    for name, directory in exports.items():
        key = f"{name}-{registry.fingerprint(directory)}"
        values = run.unit(key, lambda d=directory: measure_export(d, judge))
        table.append({"arm": name} | values["row"])
        sheets[f"{name}: KID {values['row']['kernel_distance']:.3g}"] = np.array(values["sheet"], np.uint8)
        print_row(table[-1])
        if run.options.update_cards:
            update_card(directory, table[-1], judge, run.options.data)
    for arm in arms:
        result = run.unit(f"{arm}-{turns}", lambda a=arm: train(a, judge, run.scale))
        own = [{"arm": arm} | row for row in result["rows"]]
        rows += own
        table.append(own[-1])
        title = f"{arm}: KID {own[-1]['kernel_distance']:.3g}"
        sheets[title] = np.array(result["sheet"], np.uint8)
        curves[arm] = result["curve"]
        found[arm] = tracks(own, lambda row: row["kernel_distance"])
        print_row(table[-1], found[arm])
    write_text(run.out / "checkpoints.csv", to_csv([*table[: len(controls) + len(exports)], *rows], COLUMNS))
    if curves:
        plot_curves(rows, curves, run.out / "curves.png")
    plot_sheets(sheets, run.out / "samples.png")
    table = [{key: row.get(key) for key in COLUMNS} for row in table]
    return {
        "judge": judge.accuracy,
        "turns": turns,
        "table": table,
        "tracks": found,
        "files": ["checkpoints.csv", *(["curves.png"] if curves else []), "samples.png"],
    }


def find_exports(names):
    """The directories of exported generators: dict of name to `pathlib.Path`.

    Raises:
      UserError: there is no such export, or it is of another kind.
    """
    from zoo.gan.commands import find_generator

    return {name: find_generator(name) for name in names}


def measure_export(directory, judge):
    """Measures of an export's pictures, as it makes them when it is served, and a sheet of them: dict of row and sheet."""
    from zoo import registry
    from zoo.images.sheets import make_sheet

    generate = registry.load_export(directory)["generate_seeded"]
    seeds = np.arange(judge.count, dtype=np.int32)
    images = np.concatenate(
        [generate(seed=part)["image"] for part in np.split(seeds, range(100, len(seeds), 100))]
    )
    free = images.shape[1] - judge.train.shape[1]  # of a border that generators of powers of two have
    if free < 0 or images.shape[-1] != judge.train.shape[-1]:
        raise UserError(
            f"{directory} makes pictures of shape {images.shape[1:]}, which those of the data do not fit into, "
            f"{judge.train.shape[1:]}."
        )
    end = images.shape[1] - (free - free // 2)
    images = images[:, free // 2 : end, free // 2 : end].astype(np.float32) / 127.5 - 1
    return {"row": judge.measure(images), "sheet": make_sheet(images[:SHEET]).tolist()}


def update_card(directory, row, judge, data):
    """Writes what was measured into an export's card."""
    from zoo import registry
    from zoo.export.card import write_card

    card = registry.read_card(directory)
    values = {key: round(row[key], 4) for key in COLUMNS if isinstance(row.get(key), float)}
    about = {"pictures": judge.count, "data": data, "judge_accuracy": round(judge.accuracy, 4)}
    card["metrics"]["pictures"] = about | values
    write_card(directory, card)


def parse_arm(arm):
    """The three parts of an arm.

    Raises:
      UserError: it has other parts.
    """
    known = ("gan", "wgan", "wgan-gp"), ("mlp", "dcgan", "dcgan-plain"), ("mlp", "dcgan")
    parts = tuple(arm.split("/"))
    if len(parts) != 3 or any(part not in names for part, names in zip(parts, known, strict=True)):
        raise UserError(
            f"--arms: {arm!r} is none; expected OBJECTIVE/GENERATOR/CRITIC of {'; '.join(', '.join(n) for n in known)}."
        )
    return parts


def train(arm, judge, scale):
    """A run of an arm: dict of rows, see `InGraphRun.run`, and a sheet of samples."""
    import tensorflow as tf

    from zoo.data.squares import to_signed
    from zoo.gan.model import kept_statistics
    from zoo.gan.training import InGraphRun
    from zoo.images.sheets import make_sheet

    turns, width, filters, checkpoints, count, _ = SCALES[scale]
    objective, generator, critic = parse_arm(arm)
    dense = generator == critic == "mlp"
    pictures = judge.train
    free = 0
    if not dense:  # a black border, to the next power of two
        free = (1 << (pictures.shape[1] - 1).bit_length()) - pictures.shape[1]
    border = [(0, 0), *[(free // 2, free - free // 2)] * 2, (0, 0)]
    resident = tf.constant(np.pad(pictures, border))

    def draw(seed, count):
        index = tf.random.stateless_uniform([count], seed, 0, len(pictures), tf.int32)
        return to_signed(tf.gather(resident, index))

    networks = {
        "shape": resident.shape[1:], "generator": generator, "critic": critic,
        "generator_filters": width if generator == "mlp" else filters,
        "critic_filters": width if critic == "mlp" else filters, "noise_size": 64,
    }  # fmt: skip
    game = InGraphRun(make_method(objective), networks, draw, BATCH, seed=0, jit_compile=dense)

    def samples(count):
        parts = [game.model.sample(FEW, seed=i, training=True) for i in range(0, count, FEW)]
        images = np.concatenate(parts)[:count]
        end = images.shape[1] - (free - free // 2)
        return images[:, free // 2 : end, free // 2 : end]

    held_out = to_signed(tf.constant(np.pad(judge.test[:FEW], border)))

    def measure():
        fakes = game.model.sample(FEW, seed=0, training=True)
        with kept_statistics(game.model.critic):
            scores = [game.model.critic(x, training=True) for x in (held_out, fakes)]
        return {"held_out": float(game.model.estimate(*scores))} | judge.measure(samples(count))

    rows = game.run(turns, measure, checkpoints)
    curve = {"turns": game.turns.tolist(), "estimate": game.curve.tolist()}
    return {"rows": rows, "curve": curve, "sheet": make_sheet(samples(SHEET)).tolist()}


def make_method(objective):
    """The method of an arm's first part, with the rates that its papers give."""
    from zoo.gan.training import Method, adam, rmsprop

    return {
        "gan": Method("GAN", adam(2e-4, 0.999), {"objective": "non-saturating"}),
        "wgan": Method("WGAN, clipped", rmsprop(5e-5), {"objective": "wgan"}),
        "wgan-gp": Method("WGAN-GP", adam(1e-4, 0.9), {"objective": "wgan-gp"}),
    }[objective]


def print_row(row, correlation=None):
    """One arm or control, for the terminal."""
    told = "" if correlation is None else f"   estimate against distance {correlation:+.2f}"
    print(
        f"{row['arm']:<24} classes off uniform {row['total_variation']:.3f}   top probability {row['top_probability']:.3f}   score "
        f"{row['score']:.2f}   KID {row['kernel_distance']:.4g}   MS-SSIM of pairs {row['diversity']:.3f}{told}",
        flush=True,
    )


def plot_curves(rows, curves, path):
    """For each arm the estimate, median-filtered and with pictures held out, and the kernel distance along the training."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.4 * len(curves), 3.8), dpi=160, layout="constrained")
    panels = figure.subplots(1, len(curves), squeeze=False)[0]
    for axes, (arm, curve) in zip(panels, curves.items(), strict=True):
        own = [row for row in rows if row["arm"] == arm]
        turns = [row["turns"] for row in own]
        other = axes.twinx()
        axes.plot(curve["turns"], curve["estimate"], "-", color="#D55E00")
        axes.plot(turns, [row["held_out"] for row in own], "o", color="#D55E00")
        other.plot(turns, [row["kernel_distance"] for row in own], "s--", color="#0072B2")
        axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
        other.set_yscale("log")
        axes.set_title(f"{arm}: estimate (o: pictures held out), KID (right)", fontsize=9)
        axes.set_xlabel("turns of the generator")
    figure.savefig(path)


def plot_sheets(sheets, path):
    """Sheets of samples, side by side: dict of title to [H, W, 3] uint8."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(sheets), 5.5), dpi=160, layout="constrained")
    panels = figure.subplots(1, len(sheets), squeeze=False)[0]
    for axes, (title, sheet) in zip(panels, sheets.items(), strict=True):
        axes.imshow(sheet, interpolation="nearest")
        axes.set_title(title, fontsize=11)
        axes.set_axis_off()
    figure.savefig(path)
