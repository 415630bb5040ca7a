"""What all training binaries share: flags, set-up, the run itself.

A binary defines its own flags, a function `build()` that returns a `Task`, and ends with `common.main(build)`.
"""

import dataclasses
import json
import os
import pathlib
import re
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

from absl import app, flags, logging

from zoo.errors import UserError
from zoo.files import write_text
from zoo.precision import fastest_precision

FLAGS = flags.FLAGS

flags.DEFINE_string("workdir", None, "Directory of the run: checkpoints, logs, pictures.", required=True)
flags.DEFINE_integer("steps", 1000, "Training steps in all.", lower_bound=0)
flags.DEFINE_integer("batch_size", 8, "Examples in a global batch.", lower_bound=1)
flags.DEFINE_enum(
    "optimizer",
    "adam",
    ["adam", "rmsprop", "soap"],
    "Adam; RMSProp as published; Adam in Shampoo's eigenbasis.",
)
flags.DEFINE_float("learning_rate", 1e-4, "Learning rate after the warm-up.", lower_bound=0)
flags.DEFINE_enum("schedule", "constant", ["constant", "cosine"], "Learning rate after the warm-up.")
flags.DEFINE_integer("warmup_steps", 0, "Steps of linear growth of the learning rate.", lower_bound=0)
flags.DEFINE_float(
    "decay_start",
    0.0,
    "With --schedule=cosine, part of the steps before decay.",
    lower_bound=0,
    upper_bound=1,
)
flags.DEFINE_float(
    "final_learning_rate", 0.0, "With --schedule=cosine, the learning rate at the end.", lower_bound=0
)
flags.DEFINE_integer(
    "seed", 0, "Fixes initial values, order of the data, augmentation, noise.", lower_bound=0
)
flags.DEFINE_enum("strategy", "none", ["none", "mirrored", "multi_worker"], "How work is distributed.")
flags.DEFINE_integer(
    "replicas", None, "With --strategy=mirrored on a CPU, logical devices to split it into.", lower_bound=1
)
flags.DEFINE_enum(
    "precision",
    "float32",
    ["auto", "float32", "mixed_bfloat16", "mixed_float16"],
    "Keras' precision policy; auto is mixed_bfloat16 where the device computes in it, else float32.",
)
flags.DEFINE_enum(
    "jit",
    "auto",
    ["auto", "on", "off"],
    "Compile the training step with XLA; auto does for models of dense layers alone: convolutions get slower on most CPUs.",
)
flags.DEFINE_integer("steps_per_execution", 1, "Steps in one call of the graph.", lower_bound=1)
flags.DEFINE_enum(
    "driver",
    "fit",
    ["fit", "resident"],
    "Keras' fit, or, for small models, a loop in the graph over data in memory.",
)
flags.DEFINE_integer("log_every", 100, "Steps between two entries of the log.", lower_bound=1)
flags.DEFINE_integer("eval_every", 2000, "Steps between two evaluations; 0 for none.", lower_bound=0)
flags.DEFINE_integer("checkpoint_every", 1000, "Steps between two checkpoints.", lower_bound=1)
flags.DEFINE_string("init_from", None, "Start from the variables of this run, export or checkpoint.")
flags.DEFINE_string(
    "data_note", None, "What the training data are, and on which terms, for the model's card."
)
flags.DEFINE_string("export_dir", None, "Export the trained model to this directory at the end.")

# Flags that may differ when a run goes on; all others would make it another run.
FREE_FLAGS = {
    "workdir", "steps_per_execution", "log_every", "eval_every", "checkpoint_every", "export_dir", "init_from", "steps",
    "data_note",
}  # fmt: skip


@dataclasses.dataclass
class Task:
    """What is trained, on what.

    Attributes:
      model: a compiled `tf.keras.Model`; `train_step` and `test_step` take batches as dicts.
      train: function (start_step, stop_step, context) -> `tf.data.Dataset` of the batches of these steps, see
        `zoo.data.pipeline.batches`.
      validation: a finite `tf.data.Dataset`, or None.
      prepare: called before each evaluation and checkpoint, to derive what the model needs to be used.
      pictures: () -> dict of name to [n, height, width, 3] uint8 for TensorBoard, or None.
      export: function (directory, history) that exports the model, or None; history is a list of dicts, the
        phases of training.
      parent: path of the export that the initial variables were taken from, for the model's history, or None.
      resident: function (step, replica, replicas) -> a batch, in-graph, for --driver=resident, or None.
    """

    model: Any
    train: Callable
    validation: Any = None
    prepare: Callable = lambda: None
    pictures: Callable | None = None
    export: Callable | None = None
    parent: str | None = None
    resident: Callable | None = None


def main(build, settle=lambda: None):
    """Runs a training binary.

    Args:
      build: () -> `Task`, called in the scope of the strategy once flags are parsed.
      settle: () -> None, gives flags that were left out the values that depend on others.
    """
    app.run(lambda _: _guarded(build), flags_parser=lambda argv: _parse(argv, settle))


def _parse(argv, settle):
    """Parses flags, then imports TensorFlow: `--help` stays quick, and absl sees TensorFlow before `main`.

    (TensorFlow registers a call with `absl.app`; imported inside `main` it runs too early and breaks Keras.)
    """
    try:
        rest = FLAGS(argv)
    except flags.Error as error:
        sys.exit(f"{os.path.basename(argv[0])}: {error}".splitlines()[0])
    if len(rest) > 1:
        sys.exit(f"{os.path.basename(argv[0])}: {rest[1]!r} is not a flag; flags look like --steps=1000.")
    settle()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Nothing is there to be saved yet, and an exception could get lost in the libraries that are loaded now.
    signal.signal(signal.SIGINT, lambda *_: leave("stopped before the first step"))
    import tensorflow  # noqa: F401

    return rest


def _guarded(build):
    """Runs, and answers a person's mistakes with one line."""
    import tensorflow as tf

    logging.set_verbosity(logging.WARNING)
    tf.debugging.disable_traceback_filtering()  # it would drop iterators before `leave` is reached
    try:
        run(build)
    except KeyboardInterrupt as stop:
        leave(str(stop) or "stopped; the same command goes on from the last checkpoint")
    except UserError as error:
        leave(f"error: {error}")
    except OSError as error:
        leave(f"error: {error.filename or FLAGS.workdir}: {error.strerror}; what was saved before is whole.")
    except Exception as error:
        # A damaged picture is met inside the graph, which wraps what it raises.
        wrapped = isinstance(error, tf.errors.OpError) and re.search(r"UserError: (.+)", error.message)
        leave(f"error: {wrapped[1]}" if wrapped else traceback.format_exc())


def leave(message):
    """Ends the process at once, with a message and status 1.

    An orderly end would drop the pipeline of a run that was broken off, and may hang: see
    `zoo.data.pipeline.batches`.
    """
    print(message, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def make_strategy():
    """The `tf.distribute.Strategy` that the flags ask for."""
    import tensorflow as tf

    if FLAGS.strategy == "multi_worker":
        if "TF_CONFIG" not in os.environ:
            raise UserError(
                "--strategy=multi_worker needs the cluster in the environment variable TF_CONFIG; see BUILD.md."
            )
        try:
            return tf.distribute.MultiWorkerMirroredStrategy()
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"TF_CONFIG cannot be used: {error}; see BUILD.md for one that can.") from None
    if FLAGS.strategy == "mirrored":
        if FLAGS.replicas:
            cpu = tf.config.list_physical_devices("CPU")[0]
            split = [tf.config.LogicalDeviceConfiguration()] * FLAGS.replicas
            tf.config.set_logical_device_configuration(cpu, split)
            return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(FLAGS.replicas)])
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def make_optimizer(cls=None, learning_rate=None, steps=None, **kwargs):
    """An optimizer, that of the flags unless told, with the learning rate, unless told, and schedule of the flags.

    `steps` is for one that moves in so many of the run's steps only: its schedule is as much shorter.
    """
    import tensorflow as tf

    from zoo.optimizers.rmsprop import RMSProp
    from zoo.optimizers.schedules import WarmupSchedule
    from zoo.optimizers.soap import SOAP

    cls = cls or {"adam": tf.keras.optimizers.Adam, "rmsprop": RMSProp, "soap": SOAP}[FLAGS.optimizer]
    steps = FLAGS.steps if steps is None else steps
    schedule = WarmupSchedule(
        FLAGS.learning_rate if learning_rate is None else learning_rate,
        steps=steps,
        warmup_steps=FLAGS.warmup_steps * steps // max(FLAGS.steps, 1),
        decay_start=FLAGS.decay_start if FLAGS.schedule == "cosine" else 1.0,
        final_learning_rate=FLAGS.final_learning_rate,
    )
    return cls(schedule, **kwargs)


def compile_kwargs(dense=False):
    """Arguments of `model.compile` that the flags decide; `dense` says that the model has dense layers alone."""
    jit = FLAGS.jit == "on" or (FLAGS.jit == "auto" and dense and FLAGS.strategy == "none")
    return {"jit_compile": jit, "steps_per_execution": FLAGS.steps_per_execution}


def check_same_run(workdir, now):
    """Raises a `UserError` if `workdir` holds a run that was started with other flags than `now`, a dict."""
    path = workdir / "flags.json"
    if not path.exists():
        return
    before = json.loads(path.read_text())
    for name, value in now.items():
        if name not in FREE_FLAGS and name in before and before[name] != value:
            raise UserError(
                f"{workdir} holds a run with --{name}={before[name]}, not {value}; take another --workdir, "
                f"or start from its variables with --init_from={workdir}."
            )


def run(build):
    """Trains: restores what is there, runs to `--steps`, exports."""
    import tensorflow as tf

    from trainers import callbacks, checkpoints, drivers, history

    tf.keras.utils.set_random_seed(FLAGS.seed)
    precision = fastest_precision() if FLAGS.precision == "auto" else FLAGS.precision
    tf.keras.mixed_precision.set_global_policy(precision)
    strategy = make_strategy()
    workdir = pathlib.Path(FLAGS.workdir)
    binary = sys.modules[build.__module__]
    flags_now = {flag.name: flag.value for flag in FLAGS.get_key_flags_for_module(binary)}
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        check_same_run(workdir, flags_now)
    except (OSError, ValueError) as error:
        raise UserError(f"--workdir={workdir} cannot be used: {error}") from None

    with strategy.scope():
        task = build()
        # All variables now: made later, outside of the scope, the replicas would share the optimizer's. (A model of
        # two players has built those of its optimizers.)
        if not getattr(task.model.optimizer, "_built", False):
            task.model.optimizer.build(task.model.trainable_variables)
    keeper = checkpoints.Keeper(task, workdir, strategy)
    if keeper.is_chief:
        write_text(workdir / "flags.json", json.dumps(flags_now, indent=2) + "\n")
    start = keeper.restore_latest()
    if start == 0 and FLAGS.init_from:
        keeper.restore_variables(FLAGS.init_from)
    parent = FLAGS.init_from or task.parent
    if start == 0 and parent and keeper.is_chief:
        history.begin(workdir, parent)
    if start:
        print(f"going on at step {start}", file=sys.stderr)

    if start < FLAGS.steps:
        between_steps = callbacks.make(task, workdir, keeper, strategy, start)
        try:
            drivers.DRIVERS[FLAGS.driver](task, strategy, start, FLAGS.steps, between_steps)
        finally:
            between_steps[0].close()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if FLAGS.export_dir and task.export and keeper.is_chief:
        task.prepare()
        task.export(FLAGS.export_dir, history.phases(workdir))
