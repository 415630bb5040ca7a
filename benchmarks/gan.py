"""Speed of the training loop in one graph beside a call for each step, in one process: `python -m benchmarks.gan`.

The same models and training steps, on points of the plane (dense layers 64 wide) and on pictures (a DCGAN of 32 pixels): a loop of
many steps in the graph, which draws the data too and, with dense layers, has the step compiled, as `--driver=resident --jit=auto` and the
experiments do; a `tf.function` for each step, compiled and not, fed with one array; and eager steps. Variants take turns, so that a
change of the machine's speed meets all.
"""

import json
import os
import statistics
import time

from absl import app, flags

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

FLAGS = flags.FLAGS
flags.DEFINE_integer("rounds", 7, "Timed rounds; each variant runs once in each.", lower_bound=1)
flags.DEFINE_float("seconds", 1.5, "About how long a variant runs in a round.", lower_bound=0.1)
flags.DEFINE_string("out", None, "JSON file to write the figures to.")

DENSE = {
    "shape": (2,), "generator": "mlp", "critic": "mlp", "generator_filters": 64, "critic_filters": 64, "noise_size": 2,
    "tanh": False, "warmup_turns": 0,
}  # fmt: skip
PICTURES = {"shape": (32, 32, 1), "generator_filters": 16, "critic_filters": 16, "warmup_turns": 0}
BATCH = 64


def make_variants(networks, draw, jit_compile):
    """Functions of a number of steps that run them: dict of name to function."""
    import tensorflow as tf

    from zoo.gan.training import InGraphRun, Method, rmsprop

    method = Method("WGAN", rmsprop(5e-5), {"objective": "wgan"})

    def make(jit_compile=False):
        return InGraphRun(method, networks, draw, BATCH, seed=0, jit_compile=jit_compile)

    looped, called, eager = make(jit_compile), make(), make()
    examples = draw(tf.constant([1, 2], tf.int64), BATCH).numpy()
    seeds = tf.stack([tf.range(BATCH, dtype=tf.int64)] * 2, axis=1).numpy()
    batch = {"image": examples, "seed": seeds}
    per_step = tf.function(called.model.train_step)
    compiled_step = tf.function(make().model.train_step, jit_compile=True)

    def in_graph(steps):
        looped.train(0, steps)["loss"].numpy()

    def call(function, steps):
        for _ in range(steps):
            logs = function({key: tf.constant(value) for key, value in batch.items()})
        logs["loss"].numpy()

    variants = {
        "loop in the graph": in_graph,
        "tf.function for each step": lambda steps: call(per_step, steps),
        "eager": lambda steps: call(eager.model.train_step, steps),
    }
    if jit_compile:
        variants["the same, compiled"] = lambda steps: call(compiled_step, steps)
    return variants


def measure(variants):
    """Steps in a second, medians over rounds: dict of name to float."""
    counts, found = {}, {name: [] for name in variants}
    for name, run in variants.items():
        run(10)  # traced and compiled
        begin = time.perf_counter()
        run(10)
        counts[name] = max(10, int(10 * FLAGS.seconds / (time.perf_counter() - begin)))
    for _ in range(FLAGS.rounds):
        for name, run in variants.items():
            begin = time.perf_counter()
            run(counts[name])
            found[name].append(counts[name] / (time.perf_counter() - begin))
    return {name: statistics.median(values) for name, values in found.items()}


def main(_):
    """Measures and prints all cases."""
    import tensorflow as tf

    from zoo.gan.toy_data import grid

    def draw_pictures(seed, count):
        return tf.random.stateless_uniform([count, 32, 32, 1], seed, -1, 1)

    cases = {
        "dense layers, 64 wide": make_variants(DENSE, grid().sample, jit_compile=True),
        "DCGAN of 32 pixels, 16 filters": make_variants(PICTURES, draw_pictures, jit_compile=False),
    }
    figures = {}
    for case, variants in cases.items():
        figures[case] = speeds = measure(variants)
        print(case)
        for name, speed in speeds.items():
            print(
                f"  {name:<28}{speed:>9.1f} steps/s   {speed / speeds['tf.function for each step']:6.2f}x",
                flush=True,
            )
    if FLAGS.out:
        with open(FLAGS.out, "w") as file:
            json.dump(figures, file, indent=1)


def parse(argv):
    """Parses flags, then imports TensorFlow, which must come before absl runs `main`."""
    rest = FLAGS(argv)
    import tensorflow  # noqa: F401

    return rest


if __name__ == "__main__":
    app.run(main, flags_parser=parse)
