"""Whether the two players must be balanced: quality against the critic's steps and the ratio of learning rates."""

import numpy as np

from zoo.files import to_csv, write_text
from zoo.gan.collapse_experiment import BATCH, NETWORKS, SAMPLES, make_methods

SCALES = {"smoke": (1, 50, (1, 5), (1.0,)), "cpu": (1, 3000, (1, 2, 5, 10), (0.25, 1.0, 4.0)),
          "paper": (5, 20000, (1, 2, 5, 10, 20), (0.1, 0.25, 1.0, 4.0, 10.0))}  # seeds, turns, steps, ratios  # fmt: skip
OBJECTIVES = {"non-saturating": "GAN", "wgan": "WGAN, clipped", "wgan-gp": "WGAN-GP"}


def run_balance(run):
    """Trains on the grid of 25 Gaussians with every number of critic steps and every ratio of rates.

    The generator's rate is that of the collapse experiment.

    Args:
      run: a `zoo.experiments.Run`.

    Returns:
      dict: turns; `rows`, a list of dicts of objective, critic_steps, ratio, seed, modes, high_quality, sliced_wasserstein;
      `modes`, by objective, the least, mean and largest number; files.
    """
    seeds, turns, steps, ratios = SCALES[run.scale]
    rows = [
        run.unit(f"{o}-{s}-{r}-{seed}-{turns}", lambda a=(o, s, r, seed): train(*a, turns))
        for o in OBJECTIVES
        for s in steps
        for r in ratios
        for seed in range(seeds)
    ]
    found = {o: np.array([row["modes"] for row in rows if row["objective"] == o]) for o in OBJECTIVES}
    for objective, label in OBJECTIVES.items():
        modes = found[objective]
        print(f"{label:<14} modes of 25: {modes.min()} to {modes.max()}, mean {modes.mean():.1f}")
    write_text(run.out / "balance.csv", to_csv(rows))
    plot(rows, steps, ratios, run.out / "balance.png")
    return {
        "turns": turns,
        "rows": rows,
        "modes": {o: [int(m.min()), float(m.mean()), int(m.max())] for o, m in found.items()},
        "files": ["balance.csv", "balance.png"],
    }


def train(objective, steps, ratio, seed, turns):
    """One cell of the map: a dict, see `run_balance`."""
    import tensorflow as tf

    from zoo.gan.modes import count_modes, sliced_wasserstein
    from zoo.gan.toy_data import grid
    from zoo.gan.training import InGraphRun, Method

    mixture = grid()
    base = make_methods()[{"non-saturating": "gan"}.get(objective, objective)]
    method = Method(base.label, base.optimizer, base.config | {"critic_steps": steps})
    game = InGraphRun(method, NETWORKS, mixture.sample, BATCH, seed, jit_compile=True)
    game.model.optimizer.learning_rate = ratio * game.model.generator_optimizer.learning_rate.numpy()
    game.train(0, turns * steps)
    points = game.model.sample(SAMPLES, seed=seed).numpy()
    counts = count_modes(points, mixture)
    data = mixture.sample(tf.constant([10**6, seed]), SAMPLES).numpy()
    return {
        "objective": objective,
        "critic_steps": steps,
        "ratio": ratio,
        "seed": seed,
        "modes": counts["modes"],
        "high_quality": counts["high_quality"],
        "sliced_wasserstein": sliced_wasserstein(points, data),
    }


def plot(rows, steps, ratios, path):
    """Two heat maps of each objective: modes covered, and the distance to the data."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5 * len(OBJECTIVES), 9), dpi=160, layout="constrained")
    panels = figure.subplots(2, len(OBJECTIVES))
    kinds = (
        ("modes", "modes of 25", 0, 25, "viridis"),
        ("sliced_wasserstein", "sliced W1", 0, 0.3, "viridis_r"),
    )
    for column, (objective, label) in zip(panels.T, OBJECTIVES.items(), strict=True):
        for axes, (key, title, low, high, colours) in zip(column, kinds, strict=True):
            values = np.array(
                [
                    [
                        np.mean(
                            [
                                row[key]
                                for row in rows
                                if (row["objective"], row["critic_steps"], row["ratio"]) == (objective, s, r)
                            ]
                        )
                        for r in ratios
                    ]
                    for s in steps
                ]
            )
            drawn = axes.imshow(values, vmin=low, vmax=high, cmap=colours, aspect="auto")
            for i, j in np.ndindex(values.shape):
                ink = "black" if np.mean(drawn.to_rgba(values[i, j])[:3]) > 0.5 else "white"
                axes.text(j, i, f"{values[i, j]:.3g}", ha="center", va="center", color=ink, fontsize=11)
            axes.set_xticks(range(len(ratios)), [f"{r:g}" for r in ratios])
            axes.set_yticks(range(len(steps)), steps)
            axes.set(xlabel="learning rate, critic : generator", ylabel="critic steps for a turn")
            axes.set_title(f"{label}: {title}", fontsize=11)
    figure.savefig(path)
