"""What happens between steps: logs, evaluation, checkpoints, an orderly end."""

import json
import math
import os
import signal
import sys
import time

import numpy as np
import tensorflow as tf
from absl import flags
from tqdm import tqdm

from trainers import checkpoints
from zoo.images.files import write_image

FLAGS = flags.FLAGS


def make(task, workdir, keeper, start):
    """The callbacks of a run, in the order in which they act."""
    log = Log(workdir, start) if keeper.is_chief else None
    return [
        LogTraining(log, start, FLAGS.steps),
        Evaluate(task, log, start),
        SaveCheckpoints(keeper, start),
        StopOnSignal(keeper),
    ]


class Log:
    """The run's numbers: `log.jsonl`, one JSON object a line, and TensorBoard.

    Entries after step `start` are of a run that was broken off; they are taken out, and come again.
    """

    def __init__(self, workdir, start):
        self._path = workdir / "log.jsonl"
        self._writer = tf.summary.create_file_writer(str(workdir / "tensorboard"))
        if self._path.exists():
            lines = self._path.read_text().splitlines()
            kept = [line for line in lines if _step_of(line) <= start]
            temporary = self._path.with_suffix(".partial")
            temporary.write_text("".join(line + "\n" for line in kept))
            os.replace(temporary, self._path)

    def scalars(self, split, step, values):
        with self._path.open("a") as file:
            file.write(json.dumps({"split": split, "step": step} | values) + "\n")
        with self._writer.as_default(step):
            for name, value in values.items():
                tf.summary.scalar(f"{split}/{name}", value)

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


class LogTraining(tf.keras.callbacks.Callback):
    """Logs averages over the last steps, shows progress, and stops a run whose loss is not a number."""

    def __init__(self, log, start, steps):
        super().__init__()
        self._log, self._start, self._steps = log, start, steps
        self._bar = None

    def on_train_begin(self, logs=None):
        if self._log:
            self._bar = tqdm(
                initial=self._start, total=self._steps, unit=" steps", dynamic_ncols=True,
                mininterval=0.5 if sys.stderr.isatty() else 60,
            )  # fmt: skip
        self._since = time.perf_counter(), self._start

    def on_train_batch_end(self, batch, logs=None):
        step = self._start + batch + 1
        if self._bar is not None:
            self._bar.update(step - self._bar.n)
        if step % FLAGS.log_every and step != self._steps:
            return
        values = checkpoints.finite_metrics(self.model, step)
        self.model.reset_metrics()
        if self._log:
            now = time.perf_counter()
            rate = (step - self._since[1]) / (now - self._since[0])
            self._since = now, step
            values["learning_rate"] = float(tf.convert_to_tensor(self.model.optimizer.learning_rate))
            self._bar.set_postfix({name: f"{value:.4g}" for name, value in list(values.items())[:4]})
            self._log.scalars("train", step, values | {"steps_per_second": round(rate, 3)})

    def close(self):
        """Ends the progress bar, however the run ended."""
        if self._bar is not None:
            self._bar.close()


class Evaluate(tf.keras.callbacks.Callback):
    """Evaluates every `--eval_every` steps and at the end."""

    def __init__(self, task, log, start):
        super().__init__()
        self._task, self._log, self._start = task, log, start

    def on_train_batch_end(self, batch, logs=None):
        step = self._start + batch + 1
        due = FLAGS.eval_every and (step % FLAGS.eval_every == 0 or step == FLAGS.steps)
        if not due or self._task.validation is None:
            return
        self._task.prepare()
        values = self.model.evaluate(self._task.validation, verbose=0, return_dict=True)
        self.model.reset_metrics()
        if self._log:
            self._log.scalars("validation", step, values)
            numbers = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
            tqdm.write(f"step {step}  validation: {numbers}", file=sys.stderr)
            if self._task.pictures:
                self._log.pictures(step, self._task.pictures())


class SaveCheckpoints(tf.keras.callbacks.Callback):
    """Saves every `--checkpoint_every` steps and at the end."""

    def __init__(self, keeper, start):
        super().__init__()
        self._keeper, self._start = keeper, start

    def on_train_batch_end(self, batch, logs=None):
        step = self._start + batch + 1
        if step % FLAGS.checkpoint_every == 0 or step == FLAGS.steps:
            self._keeper.save()


class StopOnSignal(tf.keras.callbacks.Callback):
    """Ctrl-C and SIGTERM end the step at hand, save, and stop; a second one kills.

    Attributes:
      stopped: bool, whether that happened.
    """

    def __init__(self, keeper):
        super().__init__()
        self._keeper = keeper
        self.stopped = False

    def on_train_begin(self, logs=None):
        self._before = {s: signal.signal(s, self._note) for s in (signal.SIGINT, signal.SIGTERM)}

    def on_train_end(self, logs=None):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number, frame):
        self.stopped = True
        signal.signal(number, signal.SIG_DFL)

    def on_train_batch_end(self, batch, logs=None):
        if self.stopped and not self.model.stop_training:
            self._keeper.save()
            self.model.stop_training = True
