"""The experiments of Sønderby et al. (2017) on the swiss roll: its table 1, and GANs as variational inference."""

import numpy as np

from zoo.files import to_csv, write_text

SWISS_ROLL = {"smoke": (2, 300), "cpu": (4, 12000), "paper": (10, 40000)}  # runs, steps
VARIATIONAL = {"smoke": (1, 200), "cpu": (3, 12000), "paper": (10, 40000)}
TEST_POINTS = 2000
MOMENTS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)  # of training, at which the divergences are taken
BIN = 0.25  # side of the cells, half the noise of the roll
JUDGE_STEPS = 2000  # of the discriminator that is trained afresh
CONDITIONS, SAMPLES = 256, 4096  # small pictures, and enlargements of each
LABELS = {"map": "MAP, brute force", "mse": "MSE", "mae": "MAE", "affgan": "AffGAN", "softgan": "SoftGAN",
          "affdg": "AffDG", "softdg": "SoftDG", "mse-exact": "MSE's minimiser", "mae-exact": "MAE's minimiser"}  # fmt: skip


def run_swiss_roll(run):
    """Table 1 and figure 1 of the paper: how likely the answers of each method are.

    Args:
      run: a `zoo.experiments.Run`.

    Returns:
      dict: `table`, a list of dicts of method, cross_entropy and inconsistency, each a list over the runs; first MAP, and what
      MSE and MAE have for their best answers; files.
    """
    from zoo.superres import swiss_roll
    from zoo.superres.swiss_roll_training import METHODS

    runs, steps = SWISS_ROLL[run.scale]
    y, x = _test_points(TEST_POINTS)
    best = swiss_roll.most_likely(x)
    exact = {"map": best} | dict(zip(("mse-exact", "mae-exact"), swiss_roll.mean_and_median(x), strict=True))
    rows = [
        {"method": method, "cross_entropy": [_cross_entropy(points)], "inconsistency": [0.0]}
        for method, points in exact.items()
    ]
    for row in rows:
        _print_row(row)
    answers = {"map": best}
    for method in METHODS:
        found = run.unit(f"{method}-{runs}-{steps}", lambda m=method: _train_and_test(m, runs, steps, x))
        answers[method] = np.array(found.pop("first"))
        rows.append({"method": method} | found)
        _print_row(rows[-1])
    lines = [
        {"method": row["method"], "run": i, "cross_entropy": nats, "inconsistency": error}
        for row in rows
        for i, (nats, error) in enumerate(zip(row["cross_entropy"], row["inconsistency"], strict=True))
    ]
    write_text(run.out / "runs.csv", to_csv(lines))
    _plot_answers(y, x, answers, rows, run.out / "swiss-roll.png")
    return {"runs": runs, "steps": steps, "table": rows, "files": ["runs.csv", "swiss-roll.png"]}


def _test_points(count):
    """Points that no training sees: y [count, 2], x [count], float64; x in rising order."""
    import tensorflow as tf

    from zoo.superres import swiss_roll

    y = swiss_roll.sample(tf.constant([10**6, 1]), [count]).numpy().astype(np.float64)
    y = y[np.argsort(y.mean(axis=1))]
    return y, y.mean(axis=1)


def _cross_entropy(answers):
    """-E log p(g(x)), nats: H[q, p] of the paper's eq. (9)."""
    from zoo.superres import swiss_roll

    return float(-swiss_roll.log_density(answers).mean())


def _train_and_test(method, runs, steps, x):
    import tensorflow as tf

    from zoo.superres.swiss_roll_training import Toy

    toy = Toy(method, runs, steps)
    toy.train(0, steps)
    inputs = tf.tile(tf.constant(x[np.newaxis, :, np.newaxis], tf.float32), [runs, 1, 1])
    answers = toy(inputs).numpy()
    error = (answers.mean(axis=-1) - inputs.numpy()[..., 0]) ** 2
    return {
        "cross_entropy": [_cross_entropy(a) for a in answers],
        "inconsistency": error.mean(axis=1).tolist(),
        "first": answers[0].tolist(),
    }


def _print_row(row):
    values = row["cross_entropy"]
    spread = f"± {np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
    print(
        f"{LABELS[row['method']]:<18} cross-entropy {np.mean(values):6.2f} {spread:<7} nats   "
        f"(x - A g)² {np.mean(row['inconsistency']):.1e}",
        flush=True,
    )


def _plot_answers(y, x, answers, rows, path):
    """Draws the roll, the answers of each method's first run, and the cross-entropies."""
    from matplotlib.figure import Figure

    means = {row["method"]: np.mean(row["cross_entropy"]) for row in rows}
    figure = Figure(figsize=(14, 7.2), dpi=160, layout="constrained")
    panels = figure.subplots(2, 4).ravel()
    for axes, (method, points) in zip(panels, answers.items(), strict=False):
        axes.plot(*y.T, ".", color="0.8", markersize=2, zorder=1)
        drawn = axes.scatter(*points.T, c=x, s=5, cmap="viridis", zorder=2)
        axes.set_title(f"{LABELS[method]}: {means[method]:.2f} nats", fontsize=12)
        axes.set(xlim=(-16, 16), ylim=(-16, 16), aspect="equal")
        axes.tick_params(labelsize=9)
    figure.colorbar(drawn, ax=panels[:4], label="x, the mean of the coordinates")
    for row in rows:
        values = row["cross_entropy"]
        panels[7].barh(LABELS[row["method"]], np.mean(values), color="#0072B2", alpha=0.5)
        panels[7].plot(values, [LABELS[row["method"]]] * len(values), "o", color="black", markersize=4)
    panels[7].invert_yaxis()
    panels[7].set_title("cross-entropy H[q, p], nats; dots are runs", fontsize=12)
    figure.suptitle(
        "Points of the swiss roll (grey) and what is answered to the means of their coordinates", fontsize=13
    )
    figure.savefig(path)


def run_variational(run):
    """Appendix F in numbers: KL[q_Y || p_Y] of a consistent GAN is the E KL[q(y|x) || p(y|x)] of variational inference.

    Three estimates along the training of a stochastic AffGAN, which have nothing in common but its samples: of points
    in the plane against the density of the roll; of the answers to each x against the posterior; and of a discriminator
    trained afresh. The first two are over cells and are lower bounds that near the divergence as cells get small.

    Args:
      run: a `zoo.experiments.Run`.

    Returns:
      dict: `rows`, a list of dicts of run, step, joint, conditional and discriminator, nats; `largest_difference` of the
      first two, and `entropies` of posterior and answers, nats; files.
    """
    runs, steps = VARIATIONAL[run.scale]
    rows = run.unit(f"{runs}-{steps}", lambda: _follow(runs, steps))
    for row in rows:
        print(
            f"run {row['run']}  step {row['step']:>6}  KL[q_Y || p_Y] {row['joint']:7.3f}   E KL[q(y|x) || p(y|x)] "
            f"{row['conditional']:7.3f}   by a discriminator {row['discriminator']:7.3f} nats",
            flush=True,
        )
    write_text(run.out / "divergences.csv", to_csv(rows))
    _plot_divergences(rows, run.out / "variational.png")
    largest = max(abs(row["joint"] - row["conditional"]) for row in rows)
    print(f"the first two differ by at most {largest:.3f} nats")
    return {
        "runs": runs,
        "steps": steps,
        "rows": rows,
        "largest_difference": largest,
        "files": ["divergences.csv", "variational.png"],
    }


def _follow(runs, steps):
    """Trains, and takes the divergences at the moments."""
    from zoo.superres.swiss_roll_training import Toy, fitted_divergence

    toy = Toy("affgan", runs, steps, noise_channels=2)
    edges = np.arange(-20, 20 + BIN / 2, BIN)
    done, rows = 0, []
    for moment in MOMENTS:
        until = round(moment * steps)
        toy.train(done, until)
        done = until
        joint = _joint_divergence(toy, edges)
        conditional = _conditional_divergence(toy, edges)
        estimate = fitted_divergence(toy, JUDGE_STEPS)
        rows += [
            {
                "run": i,
                "step": until,
                "joint": joint[i],
                "conditional": conditional[i],
                "discriminator": estimate[i],
            }
            for i in range(runs)
        ]
    return rows


def _joint_divergence(toy, edges):
    """KL[q_Y || p_Y] over cells of the plane: list over runs, nats."""
    import tensorflow as tf

    from zoo.superres import swiss_roll

    counts = np.zeros([toy.runs, len(edges) - 1, len(edges) - 1])
    for i in range(64):
        y = swiss_roll.sample(tf.constant([10**6, 100 + i]), [toy.runs, 1 << 14])
        noise = tf.random.stateless_normal([toy.runs, 1 << 14, toy.noise_channels], [10**6, 200 + i])
        for r, points in enumerate(toy(swiss_roll.reduce(y), noise).numpy()):
            counts[r] += np.histogram2d(*points.T, bins=[edges, edges])[0]
    expected = swiss_roll.masses(edges).ravel()
    return [divergence(c.ravel(), expected) for c in counts]


def _conditional_divergence(toy, edges):
    """E KL[q(y | x) || p(y | x)] over intervals of what A cannot see: list over runs, nats."""
    import tensorflow as tf

    from zoo.superres import swiss_roll

    x = _test_points(TEST_POINTS)[1][:: TEST_POINTS // CONDITIONS][:CONDITIONS]
    expected = swiss_roll.conditional_masses(x, edges)
    totals = np.zeros(toy.runs)
    for i, value in enumerate(x):
        noise = tf.random.stateless_normal([toy.runs, SAMPLES, toy.noise_channels], [10**6, 300 + i])
        points = toy(tf.fill([toy.runs, SAMPLES, 1], np.float32(value)), noise).numpy()
        for r, unseen in enumerate((points[..., 0] - points[..., 1]) / 2):
            totals[r] += divergence(np.histogram(unseen, edges)[0], expected[i])
    return (totals / len(x)).tolist()


def divergence(counts, expected):
    """KL of counted samples from expected probabilities, with Miller's correction of its bias: float, nats."""
    total, seen = counts.sum(), counts > 0
    part = counts[seen] / total
    return float(
        np.sum(part * np.log(part / np.maximum(expected[seen], 1e-300))) - (seen.sum() - 1) / (2 * total)
    )


def _plot_divergences(rows, path):
    """Draws the divergences over training, and one against the other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 5.4), dpi=160, layout="constrained")
    left, right = figure.subplots(1, 2)
    names = {
        "joint": "KL[q(y) ‖ p(y)]",
        "conditional": "E KL[q(y|x) ‖ p(y|x)]",
        "discriminator": "by a discriminator",
    }
    for (key, label), color, line in zip(
        names.items(), ("#0072B2", "#D55E00", "#009E73"), ("-", "--", ":"), strict=True
    ):
        for i in sorted({row["run"] for row in rows}):
            own = [row for row in rows if row["run"] == i]
            steps, values = [row["step"] for row in own], [row[key] for row in own]
            left.plot(
                steps, values, line, marker="o", markersize=4, color=color, label=label if i == 0 else None
            )
    left.set(xlabel="steps of the stochastic AffGAN", ylabel="nats", yscale="log")
    left.legend(fontsize=11)
    joint, conditional = ([row[key] for row in rows] for key in ("joint", "conditional"))
    ends = min(joint + conditional), max(joint + conditional)
    right.plot(ends, ends, color="0.6")
    right.plot(joint, conditional, "o", color="#0072B2")
    right.set(
        xlabel=names["joint"] + ", nats", ylabel=names["conditional"] + ", nats", xscale="log", yscale="log"
    )
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.suptitle("A GAN whose answers keep to their inputs is variational inference", fontsize=13)
    figure.savefig(path)
