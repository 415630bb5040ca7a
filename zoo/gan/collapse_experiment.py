"""Mode collapse counted, and whether the number that training reports tells of it: on points of the plane."""

import time

import numpy as np

from zoo.errors import UserError
from zoo.files import to_csv, write_text

# Seeds, and turns relative to those of `TURNS`.
SCALES = {"smoke": (1, 0.01), "cpu": (3, 1.0), "paper": (10, 4.0)}
# Of the generator; what each run takes in seconds is in the results. The standard GAN has the largest budget.
TURNS = {"wgan-gp": 6000, "wgan": 10000, "gan": 30000, "gan-slow": 30000}
NETWORKS = {
    "shape": (2,), "generator": "mlp", "critic": "mlp", "generator_filters": 64, "critic_filters": 64, "noise_size": 2,
    "tanh": False, "warmup_turns": 0,
}  # fmt: skip
BATCH = 128
SAMPLES = 2500
COLUMNS = (
    "data", "method", "seed", "turns", "modes", "high_quality", "reverse_kl", "reverse_kl_all", "sliced_wasserstein",
    "estimate", "distance", "generator_gradient",
)  # fmt: skip


def add_arguments(parser):
    """Adds the options of `collapse`."""
    parser.add_argument(
        "--data", default="grid", help="of ring, grid, with commas between (default: %(default)s)"
    )
    parser.add_argument(
        "--methods",
        default="wgan-gp,wgan,gan,gan-slow",
        help="of wgan-gp, wgan, gan, gan-slow, with commas between (default: %(default)s)",
    )


def run_collapse(run):
    """Trains each method on each mixture and counts the modes it makes, along the training and at its end.

    Args:
      run: a `zoo.experiments.Run`.

    Returns:
      dict: `table`, a list of dicts of data, method, and lists over the seeds: modes, high_quality, reverse_kl_all,
      sliced_wasserstein, see `zoo.gan.modes`; cpu_seconds; tracks_quality, the rank correlation of the estimate with the share of bad samples;
      estimate, first and last; files.

    Raises:
      UserError: no such data or method.
    """
    from zoo.gan.toy_data import DATA, Mixture
    from zoo.gan.training import tracks

    known_methods = make_methods()
    data = run.options.data.split(",")
    methods = run.options.methods.split(",")
    mixtures = [name for name, make in DATA.items() if isinstance(make(), Mixture)]
    for option, names, known in (("data", data, mixtures), ("methods", methods, known_methods)):
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
            keys = ("modes", "high_quality", "reverse_kl_all", "sliced_wasserstein")
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
                    "tracks_quality": [
                        tracks(one["rows"], lambda row: 1 - row["high_quality"]) for one in found
                    ],
                }
                | {"estimate": [[one["rows"][i]["estimate"] for i in (0, -1)] for one in found]}
            )
            print_row(table[-1], len(DATA[name]().centers))
            rows += [
                {"data": name, "method": method, "seed": seed} | row
                for seed, one in enumerate(found)
                for row in one["rows"]
            ]
            shown[name, method] = np.array(found[0]["samples"])
    write_text(run.out / "checkpoints.csv", to_csv(rows, COLUMNS))
    plot(shown, rows, {row["method"]: row["label"] for row in table}, run.out / "collapse.png")
    return {"seeds": seeds, "table": table, "files": ["checkpoints.csv", "collapse.png"]}


def make_methods():
    """The methods compared: dict of name to `zoo.gan.training.Method`. Rates were fixed before the first run."""
    from zoo.gan.training import Method, adam, rmsprop

    penalised = {"objective": "wgan-gp", "penalty_weight": 0.1, "critic_steps": 5}
    clipped = {"objective": "wgan", "clip": 0.01, "critic_steps": 5}
    standard = {"objective": "non-saturating", "critic_steps": 1}
    return {
        "wgan-gp": Method("WGAN-GP", adam(1e-3, 0.9), penalised),
        "wgan": Method("WGAN, clipped", rmsprop(5e-5), clipped),
        "gan": Method("GAN, rate 1e-3", adam(1e-3, 0.999), standard),
        "gan-slow": Method("GAN, rate 2e-4", adam(2e-4, 0.999), standard),
    }


def train(name, method, seed, length):
    """A run of a method on a mixture: dict of rows, see `InGraphRun.run`, and samples, a list of points."""
    import tensorflow as tf

    from zoo.gan.modes import count_modes, sliced_wasserstein
    from zoo.gan.toy_data import DATA
    from zoo.gan.training import CHECKPOINTS, InGraphRun

    mixture = DATA[name]()
    toy = InGraphRun(make_methods()[method], NETWORKS, mixture.sample, BATCH, seed, jit_compile=True)

    def samples():
        return toy.model.sample(SAMPLES, seed=seed).numpy()

    def measure():
        points = samples()
        data = mixture.sample(tf.constant([10**6, seed]), SAMPLES).numpy()
        return count_modes(points, mixture) | {"sliced_wasserstein": sliced_wasserstein(points, data)}

    begin = time.process_time()
    rows = toy.run(max(CHECKPOINTS, round(length * TURNS[method])), measure)
    return {"rows": rows, "samples": samples().tolist(), "cpu_seconds": time.process_time() - begin}


def print_row(row, modes):
    """One method on one mixture, for the terminal."""
    each = "/".join(map(str, row["modes"]))
    print(
        f"{row['data']:<6}{row['label']:<17}{row['turns']:>6} turns {np.mean(row['cpu_seconds']):4.0f} CPU-s   modes {each} of {modes}   good samples "
        f"{100 * np.mean(row['high_quality']):5.1f} %   reverse KL {np.mean(row['reverse_kl_all']):.3f}   sliced W1 "
        f"{np.mean(row['sliced_wasserstein']):.3f}   estimate against quality {np.mean(row['tracks_quality']):+.2f}",
        flush=True,
    )


def plot(shown, rows, labels, path):
    """Samples of the first seed of each method, and along all seeds the estimate and the share of good samples."""
    from matplotlib.figure import Figure

    from zoo.gan.toy_data import DATA

    names = list(dict.fromkeys(name for name, _ in shown))
    figure = Figure(figsize=(3.6 * len(labels), 3.6 * (len(names) + 1)), dpi=160, layout="constrained")
    panels = figure.subplots(len(names) + 1, len(labels), squeeze=False)
    for (name, method), points in shown.items():
        axes = panels[names.index(name), list(labels).index(method)]
        mixture = DATA[name]()
        axes.plot(*points.T, ".", color="#0072B2", markersize=2)
        axes.plot(*mixture.centers.T, "+", color="#D55E00", markersize=7)
        limit = 1.3 * np.abs(mixture.centers).max()
        axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xticks=[], yticks=[])
        axes.set_title(f"{labels[method]}, {name}", fontsize=11)
    for column, method in enumerate(labels):
        axes = panels[-1, column]
        quality = axes.twinx()
        own = [row for row in rows if row["method"] == method and row["data"] == names[0]]
        for seed in sorted({row["seed"] for row in own}):
            turns, estimates, good = zip(
                *((r["turns"], r["estimate"], 100 * r["high_quality"]) for r in own if r["seed"] == seed),
                strict=True,
            )
            axes.plot(turns, estimates, "-", color="#D55E00")
            quality.plot(turns, good, "--", color="#0072B2")
        axes.set_title(f"estimate (left), good samples in % (right, dashed), {names[0]}", fontsize=8)
        axes.set_ylim(bottom=0)
        quality.set_ylim(0, 100)
        axes.set_xlabel("turns of the generator", fontsize=9)
        for side in (axes, quality):
            side.tick_params(labelsize=8)
    figure.suptitle("Samples (blue) of mixtures of Gaussians (orange centres)", fontsize=12)
    figure.savefig(path)
