"""Figures 1 to 3 of Arjovsky & Bottou (2017): what a generator, trained for more or less long, gets from a discriminator."""

import dataclasses

import numpy as np

from zoo.files import to_csv, write_text

SCALES = {
    "smoke": ((50,), 40),
    "cpu": ((500, 5000, 12500), 4000),
    "paper": ((500, 5000, 12500, 50000), 20000),
}  # turns of the generators, steps of the discriminators
EXAMPLES = 8192
NETWORKS = {
    "shape": (64,), "generator": "mlp", "critic": "mlp", "generator_filters": 64, "critic_filters": 64, "noise_size": 2,
    "tanh": False,
}  # fmt: skip
BATCH = 64


def run_diagnosis(run):
    """Trains generators of a surface in 64 dimensions by the standard GAN, and diagnoses each.

    Args:
      run: a `zoo.experiments.Run`.

    Returns:
      dict: `table`, a list of dicts of turns and, at the first and at the last measurement, the values of
      `zoo.gan.diagnostics.Diagnosis`; files.
    """
    turns, steps = SCALES[run.scale]
    curves = {t: run.unit(f"{t}-{steps}", lambda t=t: train_and_diagnose(t, steps)) for t in turns}
    names = list(next(iter(curves.values())))
    lines, table = [], []
    for t, curve in curves.items():
        lines += [
            {"turns": t} | dict(zip(names, values, strict=True))
            for values in zip(*curve.values(), strict=True)
        ]
        ends = {name: [curve[name][0], curve[name][-1]] for name in names}
        table.append({"turns": t} | ends)
        print(
            f"after {t:>5} turns: accuracy {ends['accuracy'][0]:.2f} -> {ends['accuracy'][1]:.4f}   gradients: log(1 - D) "
            f"{_change(ends['minimax'])}   -log D {_change(ends['non_saturating'])}   critic {_change(ends['wasserstein'])}   "
            f"clipped critic {_change(ends['clipped'])}",
            flush=True,
        )
    write_text(run.out / "curves.csv", to_csv(lines))
    plot({f"generator of {t} turns": curve for t, curve in curves.items()}, run.out / "diagnosis.png")
    return {"table": table, "files": ["curves.csv", "diagnosis.png"]}


def _change(ends):
    return f"{ends[0]:.2g} -> {ends[1]:.2g}"


def train_and_diagnose(turns, steps):
    """A generator of so many turns, diagnosed: dict of lists."""
    import tensorflow as tf

    from zoo.gan.diagnostics import diagnose
    from zoo.gan.toy_data import manifold
    from zoo.gan.training import InGraphRun, Method, adam

    surface = manifold()
    method = Method("GAN", adam(2e-4, 0.999), {"objective": "non-saturating"})
    toy = InGraphRun(method, NETWORKS, surface.sample, BATCH, seed=0, jit_compile=True)
    toy.train(0, turns)
    data = surface.sample(tf.constant([5, 6]), EXAMPLES).numpy()
    found = diagnose(toy.model.generator, data, toy.model.config.noise_size, steps)
    return {key: np.asarray(values).tolist() for key, values in dataclasses.asdict(found).items()}


def plot(curves, path):
    """The discriminator's loss and the four gradients over its training: dict of label to `Diagnosis`, as a dict."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(20, 4.2), dpi=160, layout="constrained")
    panels = figure.subplots(1, 5)
    titles = {
        "loss": "loss of the discriminator, nats",
        "minimax": "‖∇θ E log(1 - D)‖: vanishes",
        "non_saturating": "‖∇θ E -log D‖: grows, and its spread",
        "wasserstein": "‖∇θ -E f‖ of a critic with penalty: stays",
        "clipped": "‖∇θ -E f‖ of a critic with clipped weights",
    }
    for axes, (name, title) in zip(panels, titles.items(), strict=True):
        for label, curve in curves.items():
            steps, values = np.array(curve["steps"]), np.array(curve[name])
            (line,) = axes.plot(steps, values, label=label)
            if name == "non_saturating":
                spread = np.array(curve["deviation"])
                axes.fill_between(
                    steps,
                    np.maximum(values - spread, values / 10),
                    values + spread,
                    color=line.get_color(),
                    alpha=0.3,
                )
        axes.set(xscale="log", yscale="log", xlabel="steps of the discriminator")
        axes.set_title(title, fontsize=11)
    panels[0].legend(fontsize=9)
    figure.savefig(path)
