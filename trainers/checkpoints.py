"""Checkpoints: complete, written whole or not at all, found again by the same command."""

import math
import os
import pathlib
import re
import shutil
import sys

import tensorflow as tf

from zoo.errors import UserError


def is_chief(resolver):
    """Whether this process writes what is written once, and its name among the others, from a cluster resolver or None."""
    if resolver is None or not resolver.task_type:
        return True, "chief-0"
    has_chief = "chief" in resolver.cluster_spec().jobs
    first = resolver.task_type == "chief" or (not has_chief and resolver.task_type == "worker")
    return first and resolver.task_id == 0, f"{resolver.task_type}-{resolver.task_id}"


class Keeper:
    """Saves and restores the state of a run.

    The state is the model, the optimizer and its step. Order of the data, augmentation and noise are functions
    of (seed, step), so there is no other random state.

    Attributes:
      is_chief: bool, whether this process writes what is written once.
    """

    def __init__(self, task, workdir, strategy):
        self._task = task
        self.is_chief, name = is_chief(strategy.cluster_resolver)
        # All workers must take part in saving; those that are not the chief throw theirs away.
        self._scratch = None if self.is_chief else workdir / f"scratch-{name}"
        self._checkpoint = tf.train.Checkpoint(model=task.model, optimizer=task.model.optimizer)
        self._manager = tf.train.CheckpointManager(
            self._checkpoint, str(self._scratch or workdir / "checkpoints"), max_to_keep=2
        )
        self._workdir = workdir

    @property
    def step(self):
        """Steps trained so far."""
        return int(self._task.model.optimizer.iterations.numpy())

    def finite_metrics(self, step):
        """The model's metrics since they were last reset, a dict of float.

        (Read from the model, not from the logs of `fit`, which with several workers are sums over them.)

        Raises:
          UserError: one of them is not a number.
        """
        values = {metric.name: float(metric.result()) for metric in self._task.model.metrics}
        if not all(map(math.isfinite, values.values())):
            raise UserError(
                f"the loss is no number at step {step}: {values}. Try a lower --learning_rate or --precision=float32. "
                + self._kept()
            )
        return values

    def _kept(self):
        kept = self._manager.latest_checkpoint
        return f"The last good checkpoint is {kept}." if kept else "There is no checkpoint yet."

    def save(self):
        """Writes a checkpoint of this step, if there is none yet.

        Raises:
          UserError: it cannot be written, or the loss is not a number; older ones stay.
        """
        step = self.step
        self.finite_metrics(step)
        for variable in self._task.model.trainable_variables:
            if not tf.reduce_all(tf.math.is_finite(variable)):
                raise UserError(
                    f"{variable.name} is no number after step {step}; try a lower --learning_rate or "
                    f"--precision=float32. {self._kept()}"
                )
        if self._manager.latest_checkpoint and self._manager.latest_checkpoint.endswith(f"-{step}"):
            return
        self._task.prepare()
        try:
            self._manager.save(checkpoint_number=step)
        except (OSError, tf.errors.OpError) as error:
            for part in pathlib.Path(self._manager.directory).glob(f"ckpt-{step}[._]*"):
                shutil.rmtree(part) if part.is_dir() else part.unlink()
            message = getattr(error, "message", str(error)).splitlines()[0]
            reason = re.sub(r"\{\{.*?\}\} | \[Op:.*?\]", "", message)  # without the graph's own names
            raise UserError(
                f"the checkpoint of step {step} cannot be written to {self._workdir}: {reason}. {self._kept()}"
            ) from None
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def restore_latest(self):
        """Restores the run's newest checkpoint; returns its step, 0 if there is none."""
        latest = tf.train.latest_checkpoint(str(self._workdir / "checkpoints"))
        if latest is None:
            return 0
        try:
            self._checkpoint.restore(latest).assert_existing_objects_matched()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"{latest} does not fit this model ({reason}); take another --workdir.") from None
        return self.step

    def restore_variables(self, path):
        """Restores the model alone, its optimizer and step not, from a run's directory, an export or a checkpoint prefix."""
        prefix = find_checkpoint(path)
        try:
            self._task.model.variables_checkpoint().read(
                prefix
            ).expect_partial().assert_existing_objects_matched()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"--init_from={path} does not fit this model: {reason}") from None
        print(f"starting from {prefix}", file=sys.stderr)


def find_checkpoint(path):
    """The prefix of the newest checkpoint in a run's directory, an export's, or of that prefix itself.

    Raises:
      UserError: there is none.
    """
    path = pathlib.Path(path)
    if os.path.exists(f"{path}.index"):
        return str(path)
    exported = [path, *sorted(path.glob("[0-9]*"), key=lambda d: d.name.zfill(9), reverse=True)]
    for version in exported:
        if (version / "checkpoint" / "variables.index").exists():
            return str(version / "checkpoint" / "variables")
    for directory in (path, path / "checkpoints"):
        latest = tf.train.latest_checkpoint(str(directory))
        if latest:
            return latest
    raise UserError(f"{path} holds no checkpoint; give a --workdir, an export or a checkpoint prefix.")
