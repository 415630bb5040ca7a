"""What happens between steps: logs, evaluation, checkpoints, an orderly end."""

import json
import math
import signal
import sys
import time

import numpy as np
import tensorflow as tf
from absl import flags
from tqdm import tqdm

from zoo.files import write_text
from zoo.images.files import write_image

FLAGS = flags.FLAGS


def make(task, workdir, keeper, strategy, start):
    """The callbacks of a run, in the order in which they act."""
    log = Log(workdir, start) if keeper.is_chief else None
    # Checkpoints come before evaluation, which resets the metrics that tell whether the loss is a number.
    return [
        LogTraining(keeper, log, start),
        SaveCheckpoints(keeper, start),
        Evaluate(task, log, strategy, start),
        StopOnSignal(keeper),
    ]


class Log:
    """The run's numbers: `log.jsonl`, one JSON object a line, and TensorBoard.

    Entries of the file after step `start` are of a run that was broken off; they are taken out, and come again.
    """

    def __init__(self, workdir, start):
        self._path = workdir / "log.jsonl"
        self._writer = tf.summary.create_file_writer(str(workdir / "tensorboard"))
        if self._path.exists():
            lines = self._path.read_text().splitlines()
            kept = [line for line in lines if _step_of(line) <= start]
            write_text(self._path, "".join(line + "\n" for line in kept))

    def scalars(self, split, step, values):
        with self._path.open("a") as file:
            file.write(json.dumps({"split": split, "step": step} | values) + "\n")
        with self._writer.as_default(step):
            for name, value in values.items():
                tf.summary.scalar(f"{split}/{name}", value)

    def close(self):
        """Writes what TensorBoard has not got yet."""
        self._writer.close()

    def pictures(self, step, pictures):
        """Shows [n, height, width, 3] uint8 pictures in TensorBoard, and keeps each set as `pictures/NAME-STEP.png`."""
        folder = self._path.parent / "pictures"
        folder.mkdir(exist_ok=True)
        for name, images in pictures.items():
            write_image(str(folder / f"{name}-{step:07d}.png"), np.concatenate(list(images)))
        with self._writer.as_default(step):
            for name, images in pictures.items():
                tf.summary.image(name, images, max_outputs=len(images))


def _step_of(line):
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError):
        return math.inf  # cut off in the middle


class StepCallback(tf.keras.callbacks.Callback):
    """Calls `after_step(step)` when some steps are done, and knows which intervals that completes.

    With `--steps_per_execution` only every so manieth step is seen, and after a stop the count begins anywhere.

    Args:
      start: int, steps done before.
    """

    def __init__(self, start):
        super().__init__()
        self._start = self._seen = start
        self._before = start

    def on_train_batch_end(self, batch, logs=None):
        step = self._start + batch + 1
        self._before, self._seen = self._seen, step
        self.after_step(step)

    def due(self, every):
        """Whether the last steps reached or passed a multiple of `every`, or the end."""
        return self._seen // every > self._before // every or self._seen == FLAGS.steps


class LogTraining(StepCallback):
    """Logs averages since the last log or evaluation, shows progress, and stops a run whose loss is not a number."""

    def __init__(self, keeper, log, start):
        super().__init__(start)
        self._keeper, self._log = keeper, log
        self._bar = None

    def on_train_begin(self, logs=None):
        if self._log:
            self._bar = tqdm(
                initial=self._start, total=FLAGS.steps, unit=" steps", dynamic_ncols=True,
                mininterval=0.5 if sys.stderr.isatty() else 60,
            )  # fmt: skip
        self._since = time.perf_counter(), self._start

    def after_step(self, step):
        if self._bar is not None:
            self._bar.update(step - self._bar.n)
        if not self.due(FLAGS.log_every):
            return
        values = self._keeper.finite_metrics(step)
        self.model.reset_metrics()
        if self._log:
            now = time.perf_counter()
            rate = (step - self._since[1]) / (now - self._since[0])
            self._since = now, step
            values["learning_rate"] = float(tf.convert_to_tensor(self.model.optimizer.learning_rate))
            shown = {name: f"{value:.4g}" for name, value in list(values.items())[:4]}
            self._bar.set_postfix(shown, refresh=sys.stderr.isatty())
            self._log.scalars("train", step, values | {"steps_per_second": round(rate, 3)})

    def close(self):
        """Ends the progress bar and the log, however the run ended."""
        if self._bar is not None:
            self._bar.close()
        if self._log:
            self._log.close()


class SaveCheckpoints(StepCallback):
    """Saves every `--checkpoint_every` steps and at the end."""

    def __init__(self, keeper, start):
        super().__init__(start)
        self._keeper = keeper

    def after_step(self, step):
        if self.due(FLAGS.checkpoint_every):
            self._keeper.save()


class Evaluate(StepCallback):
    """Evaluates every `--eval_every` steps and at the end."""

    def __init__(self, task, log, strategy, start):
        super().__init__(start)
        self._task, self._log, self._strategy = task, log, strategy

    def after_step(self, step):
        if not FLAGS.eval_every or not self.due(FLAGS.eval_every):
            return
        self._task.prepare()
        if self._task.validation is not None:
            values = self.model.evaluate(verbose=0, return_dict=True, **self._data())
            self.model.reset_metrics()
            if self._log:
                self._log.scalars("validation", step, values)
                numbers = "  ".join(f"{name} {value:.5g}" for name, value in values.items())
                tqdm.write(f"step {step}  validation: {numbers}", file=sys.stderr)
        if self._log and self._task.pictures:
            self._log.pictures(step, self._task.pictures())

    def _data(self):
        """Every replica evaluates everything: batches of single pictures cannot be split."""
        validation = self._task.validation
        if FLAGS.strategy == "none":
            return {"x": validation}

        def repeated(context):
            local = context.num_replicas_in_sync // context.num_input_pipelines
            return validation.flat_map(lambda batch: tf.data.Dataset.from_tensors(batch).repeat(local))

        distributed = self._strategy.distribute_datasets_from_function(repeated)
        return {"x": distributed, "steps": int(validation.cardinality())}


class StopOnSignal(tf.keras.callbacks.Callback):
    """Ctrl-C and SIGTERM end the step at hand, save, and raise a `KeyboardInterrupt`; a second one kills.

    (`fit` must not just return then, see `common.leave`.)
    """

    def __init__(self, keeper):
        super().__init__()
        self._keeper = keeper
        self._signalled = False

    def on_train_begin(self, logs=None):
        self._before = {s: signal.signal(s, self._note) for s in (signal.SIGINT, signal.SIGTERM)}

    def on_train_end(self, logs=None):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number, frame):
        self._signalled = True
        signal.signal(number, signal.SIG_DFL)

    def on_train_batch_end(self, batch, logs=None):
        if self._signalled:
            self._keeper.save()
            raise KeyboardInterrupt(
                f"stopped at step {self._keeper.step}; the same command goes on from there"
            )
