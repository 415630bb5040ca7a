"""Two distributions that are known: what a discriminator and a critic make of them, and what noise does."""

import numpy as np

from zoo.files import to_csv, write_text

SCALES = {"smoke": 100, "cpu": 5000, "paper": 50000}  # steps
SHIFT = 4.0  # between the Gaussians, of deviation 1
GRID = np.linspace(-8, 12, 401)
BATCH = 256
WIDTH = 64
CRITICS = {"discriminator": "non-saturating", "critic, clipped": "wgan", "critic, penalised": "wgan-gp"}
RADII = np.geomspace(0.01, 1, 25)
SHIFTS = 0.05, 0.1, 0.2, 0.5


def run_two_gaussians(run):
    """Figure 2 of the Wasserstein GAN: the best discriminator of N(0, 1) and N(4, 1), and the best critics.

    Args:
      run: a `zoo.experiments.Run`.

    Returns:
      dict: `slopes`, for each of the three: least and largest |slope| of what is trained, the logit's probability or the score, on
      [-3, 8]; estimates of the distance, whose true value is 4; files.
    """
    steps = SCALES[run.scale]
    curves = {name: run.unit(f"{name}-{steps}", lambda n=name: train(CRITICS[n], steps)) for name in CRITICS}
    rows = []
    for name, curve in curves.items():
        values = np.array(curve["values"])
        inside = (GRID[:-1] >= -3) & (GRID[1:] <= 8)
        slopes = np.abs(np.diff(values) / np.diff(GRID))[inside]
        rows.append(
            {
                "name": name,
                "least_slope": float(slopes.min()),
                "largest_slope": float(slopes.max()),
                "estimate": curve["estimate"],
            }
        )
        print(
            f"{name:<18} |slope| {slopes.min():.2e} to {slopes.max():.2e} on [-3, 8]   estimate {curve['estimate']:.3f}"
        )
    lines = [
        {"x": x} | {name: curve["values"][i] for name, curve in curves.items()} for i, x in enumerate(GRID)
    ]
    write_text(run.out / "functions.csv", to_csv(lines))
    plot_functions(curves, run.out / "two-gaussians.png")
    return {"slopes": rows, "files": ["functions.csv", "two-gaussians.png"]}


def train(objective, steps):
    """A discriminator's probability, or a critic's score, over `GRID`, and its estimate: dict."""
    import tensorflow as tf

    from zoo.gan.training import WINDOW, InGraphRun, Method, adam, rmsprop

    optimizer = rmsprop(5e-4) if objective == "wgan" else adam(1e-3, 0.9)
    config = {"objective": objective, "clip": 0.1, "critic_steps": steps + 1}
    networks = {
        "shape": (1,), "generator": "mlp", "critic": "mlp", "generator_filters": 1, "critic_filters": WIDTH,
        "hidden_layers": 2, "noise_size": 1, "tanh": False,
    }  # fmt: skip

    def draw(seed, count):
        return tf.random.stateless_normal([count, 1], seed)

    game = InGraphRun(Method(objective, optimizer, config), networks, draw, BATCH, seed=0, jit_compile=True)
    game.model.generator = shifted()
    logs = game.train(0, steps)
    scores = game.model.critic(GRID[:, np.newaxis]).numpy()
    values = scores if game.model.wasserstein else 1 / (1 + np.exp(-scores.astype(np.float64)))
    return {"values": values.tolist(), "estimate": float(np.mean(logs["estimates"][-WINDOW:]))}


def shifted():
    """The generator z + 4, which has nothing to train."""
    import tensorflow as tf

    noise = tf.keras.Input([1])
    return tf.keras.Model(noise, tf.keras.layers.Rescaling(1.0, SHIFT)(noise), name="generator")


def plot_functions(curves, path):
    """The two densities, the discriminator beside the critics."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.4), dpi=160, layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        for mean, color, label in ((0, "#0072B2", "real"), (SHIFT, "#D55E00", "generated")):
            density = np.exp(-((GRID - mean) ** 2) / 2) / np.sqrt(2 * np.pi)
            axes.fill_between(GRID, density, color=color, alpha=0.25, label=f"density of {label}")
        axes.set_xlabel("x")
    left.plot(GRID, curves["discriminator"]["values"], color="black", label="discriminator")
    left.set_title("D is flat where the generated points are", fontsize=11)
    for (name, curve), style in zip(list(curves.items())[1:], ("--", "-"), strict=True):
        values = np.array(curve["values"])
        right.plot(GRID, values - values[np.abs(GRID).argmin()], style, color="black", label=name)
    right.set_ylim(-8, 4)
    right.set_title("a critic is a slope everywhere (less its value at 0)", fontsize=11)
    for axes in (left, right):
        axes.legend(fontsize=9)
    figure.savefig(path)


def run_smoothing(run):
    """Example 1 of the Wasserstein GAN and theorem 3.3 of Towards Principled Methods, on two parallel lines.

    Args:
      run: a `zoo.experiments.Run`.

    Returns:
      dict: `rows`, a list of dicts of shift, radius and `zoo.gan.theorems.smoothed_lines`; `best`, for each shift the radius of
      the least bound, and it; files.
    """
    from zoo.gan.theorems import smoothed_lines

    cells = {"smoke": 100, "cpu": 400, "paper": 1600}[run.scale]
    rows = [
        run.unit(
            f"{shift}-{radius:.4f}-{cells}",
            lambda a=(shift, radius): {"shift": a[0], "radius": float(a[1])} | smoothed_lines(*a, cells),
        )
        for shift in SHIFTS
        for radius in RADII
    ]
    best = [min((r for r in rows if r["shift"] == shift), key=lambda r: r["bound"]) for shift in SHIFTS]
    for row in best:
        print(
            f"lines {row['shift']} apart: without noise JSD is log 2 whatever the distance; the bound is least, "
            f"{row['bound']:.3f}, with noise of radius {row['radius']:.3f}, where JSD is {row['jensen_shannon']:.3f}"
        )
    write_text(run.out / "smoothing.csv", to_csv(rows))
    plot_smoothing(rows, run.out / "smoothing.png")
    return {"rows": rows, "best": best, "files": ["smoothing.csv", "smoothing.png"]}


def plot_smoothing(rows, path):
    """Example 1, and divergence and bound over the noise's radius."""
    from matplotlib.figure import Figure

    from zoo.gan.theorems import parallel_lines

    figure = Figure(figsize=(15, 4.4), dpi=160, layout="constrained")
    first, second, third = figure.subplots(1, 3)
    shifts = np.linspace(-1, 1, 201)
    for name, label in (("wasserstein", "Wasserstein"), ("jensen_shannon", "Jensen-Shannon")):
        first.plot(shifts, [parallel_lines(shift)[name] for shift in shifts], label=label)
    first.set(xlabel="shift of the line", title="example 1: only one has a slope")
    for shift in SHIFTS:
        own = [row for row in rows if row["shift"] == shift]
        radii = [row["radius"] for row in own]
        second.plot(radii, [row["jensen_shannon"] for row in own], label=f"{shift} apart")
        third.plot(radii, [row["bound"] for row in own], label=f"{shift} apart")
    second.set(xscale="log", xlabel="radius of the noise", title="JSD of the noisy lines, nats")
    third.set(xscale="log", yscale="log", xlabel="radius of the noise", title="theorem 3.3's bound on W")
    for axes in (first, second, third):
        axes.legend(fontsize=9)
    figure.savefig(path)
