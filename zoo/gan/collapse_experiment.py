"""Mode collapse counted, and whether the number that training reports tells of it: on points of the plane."""

import time

import numpy as np

from zoo.errors import UserError
from zoo.files import to_csv, write_text

# Seeds, and turns relative to those of `TURNS`.
SCALES = {"smoke": (1, 0.01), "cpu": (3, 1.0), "paper": (10, 4.0)}
# Of the generator; what each run takes in seconds is in the results. The standard GAN has the largest budget.
TURNS = {"wgan-gp": 6000, "wgan": 10000, "gan": 30000, "gan-slow": 30000, "gan-noise": 30000}
NETWORKS = {
    "shape": (2,), "generator": "mlp", "critic": "mlp", "generator_filters": 64, "critic_filters": 64, "noise_size": 2,
    "tanh": False,
}  # fmt: skip
BATCH = 128
SAMPLES = 2500
MATCHED = 1000  # of them, with as many data, for the exact Wasserstein distance
MEASURES = ("modes", "high_quality", "reverse_kl_all", "sliced_wasserstein", "wasserstein")
COLUMNS = (
    "data", "method", "seed", "turns", "modes", "high_quality", "reverse_kl", "reverse_kl_all", "sliced_wasserstein",
    "wasserstein", "estimate", "distance", "generator_gradient",
)  # fmt: skip


def add_arguments(parser):
    """Adds the options of `collapse`."""
    parser.add_argument(
        "--data", default="grid", help="of ring, grid, swiss-roll, with commas between (default: %(default)s)"
    )
    parser.add_argument(
        "--methods",
        default="wgan-gp,wgan,gan,gan-slow,gan-noise",
        help="of these, with commas between (default: %(default)s)",
    )


def run_collapse(run):
    """Trains each method on each distribution and counts the modes it makes, along the training and at its end.

    Args:
      run: a `zoo.experiments.Run`.

    Returns:
      dict: `table`, a list of dicts of data, method, and lists over the seeds: modes, high_quality, reverse_kl_all,
      sliced_wasserstein, wasserstein, see `zoo.gan.modes`, those of modes for mixtures only; cpu_seconds; tracks_quality,
      the rank correlation of the estimate with the share of bad samples, for mixtures, or with the Wasserstein distance;
      estimate, first and last; files.

    Raises:
      UserError: no such data or method.
    """
    from zoo.gan.toy_data import DATA
    from zoo.gan.training import tracks

    known_methods = make_methods()
    data = run.options.data.split(",")
    methods = run.options.methods.split(",")
    for option, names, known in (("data", data, DATA), ("methods", methods, known_methods)):
        if not set(names) <= set(known):
            raise UserError(f"--{option}={','.join(names)}: expected some of {', '.join(known)}.")
    seeds, length = SCALES[run.scale]

    rows, table, shown = [], [], {}
    for name in data:
        for method in methods:
            found = [
                run.unit(f"{name}-{method}-{seed}", lambda a=(name, method, seed): train(*a, length))
                for seed in range(seeds)
            ]
            last = [one["rows"][-1] for one in found]
            keys = [key for key in MEASURES if key in last[0]]
            table.append(
                {
                    "data": name,
                    "method": method,
                    "label": known_methods[method].label,
                    "turns": last[0]["turns"],
                }
                | {key: [row[key] for row in last] for key in keys}
                | {
                    "cpu_seconds": [one["cpu_seconds"] for one in found],
                    "tracks_quality": [tracks(one["rows"], badness) for one in found],
                }
                | {"estimate": [[one["rows"][i]["estimate"] for i in (0, -1)] for one in found]}
            )
            print_row(table[-1])
            rows += [
                {"data": name, "method": method, "seed": seed} | row
                for seed, one in enumerate(found)
                for row in one["rows"]
            ]
            shown[name, method] = np.array(found[0]["samples"])
    write_text(run.out / "checkpoints.csv", to_csv(rows, COLUMNS))
    plot(shown, rows, {row["method"]: row["label"] for row in table}, run.out / "collapse.png")
    return {"seeds": seeds, "table": table, "files": ["checkpoints.csv", "collapse.png"]}


def badness(row):
    """How bad the samples of a checkpoint are: the share of bad ones of a mixture, the distance to other data."""
    return 1 - row["high_quality"] if "high_quality" in row else row["wasserstein"]


def make_methods(length=1.0):
    """The methods compared, for runs of `length` times `TURNS`: dict of name to `zoo.gan.training.Method`.

    Rates were fixed before the first run.
    """
    from zoo.gan.training import Method, adam, rmsprop

    penalised = {"objective": "wgan-gp", "penalty_weight": 0.1}
    standard = {"objective": "non-saturating"}
    noisy = standard | {
        "instance_noise": 0.5,
        "instance_noise_steps": round(0.8 * length * TURNS["gan-noise"]),
    }
    return {
        "wgan-gp": Method("WGAN-GP", adam(1e-3, 0.9), penalised),
        "wgan": Method("WGAN, clipped", rmsprop(5e-5), {"objective": "wgan"}),
        "gan": Method("GAN, rate 1e-3", adam(1e-3, 0.999), standard),
        "gan-slow": Method("GAN, rate 2e-4", adam(2e-4, 0.999), standard),
        "gan-noise": Method("GAN, instance noise", adam(1e-3, 0.999), noisy),
    }


def train(name, method, seed, length):
    """A run of a method on a distribution: dict of rows, see `InGraphRun.run`, and samples, a list of points."""
    import tensorflow as tf

    from zoo.gan.modes import count_modes, sliced_wasserstein, wasserstein
    from zoo.gan.toy_data import DATA, Mixture
    from zoo.gan.training import CHECKPOINTS, InGraphRun

    distribution = DATA[name]()
    toy = InGraphRun(
        make_methods(length)[method], NETWORKS, distribution.sample, BATCH, seed, jit_compile=True
    )

    def samples():
        return toy.model.sample(SAMPLES, seed=seed).numpy()

    def measure():
        points = samples()
        data = distribution.sample(tf.constant([10**6, seed]), SAMPLES).numpy()
        counts = count_modes(points, distribution) if isinstance(distribution, Mixture) else {}
        return counts | {
            "sliced_wasserstein": sliced_wasserstein(points, data),
            "wasserstein": wasserstein(points[:MATCHED], data[:MATCHED]),
        }

    begin = time.process_time()
    rows = toy.run(max(CHECKPOINTS, round(length * TURNS[method])), measure)
    return {"rows": rows, "samples": samples().tolist(), "cpu_seconds": time.process_time() - begin}


def print_row(row):
    """One method on one distribution, for the terminal."""
    counts = ""
    if "modes" in row:
        counts = (
            f"   modes {'/'.join(map(str, row['modes']))}   good samples {100 * np.mean(row['high_quality']):5.1f} %   "
            f"reverse KL {np.mean(row['reverse_kl_all']):.3f}"
        )
    print(
        f"{row['data']:<11}{row['label']:<17}{row['turns']:>6} turns {np.mean(row['cpu_seconds']):4.0f} CPU-s{counts}   W1 "
        f"{np.mean(row['wasserstein']):.3f}   estimate against quality {'/'.join(f'{r:+.2f}' if r is not None else '-' for r in row['tracks_quality'])}",
        flush=True,
    )


def plot(shown, rows, labels, path):
    """Samples of the first seed of each method, and along all seeds the estimate and how bad samples are."""
    import tensorflow as tf
    from matplotlib.figure import Figure

    from zoo.gan.toy_data import DATA

    names = list(dict.fromkeys(name for name, _ in shown))
    figure = Figure(figsize=(3.6 * len(labels), 3.6 * 2 * len(names)), dpi=160, layout="constrained")
    panels = figure.subplots(2 * len(names), len(labels), squeeze=False)
    for (name, method), points in shown.items():
        place, column = 2 * names.index(name), list(labels).index(method)
        axes = panels[place, column]
        data = DATA[name]().sample(tf.constant([0, 0]), SAMPLES).numpy()
        axes.plot(*data.T, ".", color="#D55E00", markersize=3)
        axes.plot(*points.T, ".", color="#0072B2", markersize=1.5, alpha=0.6)
        limit = 1.2 * np.abs(data).max()
        axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xticks=[], yticks=[])
        axes.set_title(f"{labels[method]}, {name}", fontsize=11)
        own = [row for row in rows if (row["data"], row["method"]) == (name, method)]
        plot_course(panels[place + 1, column], own)
    figure.suptitle(
        "Samples (blue) over data (orange); below, what training reports and how bad samples are", fontsize=12
    )
    figure.savefig(path)


def plot_course(axes, rows):
    """A method's estimate, and how bad its samples are, along each seed's training."""
    right = axes.twinx()
    for seed in sorted({row["seed"] for row in rows}):
        own = [row for row in rows if row["seed"] == seed]
        turns = [row["turns"] for row in own]
        axes.plot(turns, [row["estimate"] for row in own], "-", color="#D55E00")
        right.plot(turns, [badness(row) for row in own], "--", color="#0072B2")
    what = "share of bad samples" if "high_quality" in rows[0] else "W1 to data"
    axes.set_title(f"estimate (left), {what} (right, dashed)", fontsize=8)
    axes.set_xlabel("turns of the generator", fontsize=9)
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    right.set_ylim(bottom=0)
    for side in (axes, right):
        side.tick_params(labelsize=8)
