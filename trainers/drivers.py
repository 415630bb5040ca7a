"""Two ways to run the same steps, behind one interface."""

import tensorflow as tf
from absl import flags

from zoo.errors import UserError

FLAGS = flags.FLAGS


def fit(task, strategy, start, steps, callbacks):
    """Keras' `fit` over `tf.data`.

    Args:
      task: a `trainers.common.Task`.
      strategy: the `tf.distribute.Strategy`.
      start, steps: int, train from step `start` up to `steps`.
      callbacks: list of Keras callbacks.
    """
    if strategy.num_replicas_in_sync == 1 and FLAGS.strategy == "none":
        data = task.train(start, steps, None)
    else:
        data = strategy.distribute_datasets_from_function(lambda context: task.train(start, steps, context))
    task.model.fit(data, steps_per_epoch=steps - start, epochs=1, verbose=0, callbacks=callbacks)


def resident(task, strategy, start, steps, callbacks):
    """A loop of many steps inside one graph, over data in memory; for models with very short steps.

    Takes what `fit` does. At most `--steps_per_execution` steps make one call.

    Raises:
      UserError: the task has no data in memory.
    """
    if task.resident is None:
        raise UserError("this task's data are not in memory; use --driver=fit.")
    if strategy.extended._in_multi_worker_mode():
        raise UserError(
            "--driver=resident runs in one process; use --driver=fit with --strategy=multi_worker."
        )
    model = task.model
    replicas = strategy.num_replicas_in_sync
    if FLAGS.batch_size % replicas:
        raise UserError(
            f"--batch_size={FLAGS.batch_size} cannot be shared by {replicas} replicas; use a multiple."
        )

    # XLA takes the step alone: it has no kernel for the shuffling that draws a batch.
    train_step = tf.function(model.train_step, jit_compile=True) if model.jit_compile else model.train_step

    def replica_step(step):
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        train_step(task.resident(step, replica, replicas))

    @tf.function
    def run(first, last):
        for step in tf.range(first, last):
            strategy.run(replica_step, [step])
        return {metric.name: metric.result() for metric in model.metrics}

    callbacks = tf.keras.callbacks.CallbackList(callbacks, model=model, add_history=False, add_progbar=False)
    callbacks.on_train_begin()
    step = start
    while step < steps:
        last = min(steps, step + FLAGS.steps_per_execution, *(_next(step, every) for every in _intervals()))
        callbacks.on_train_batch_begin(step - start)
        logs = run(tf.constant(step, tf.int64), tf.constant(last, tf.int64))
        step = last
        callbacks.on_train_batch_end(step - start - 1, logs)
    callbacks.on_train_end()


def _intervals():
    return [every for every in (FLAGS.log_every, FLAGS.eval_every, FLAGS.checkpoint_every) if every]


def _next(step, every):
    return (step // every + 1) * every


DRIVERS = {"fit": fit, "resident": resident}
