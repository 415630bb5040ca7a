"""Two ways to run the same steps, behind one interface."""

from absl import flags

FLAGS = flags.FLAGS


def fit(task, strategy, start, steps, callbacks):
    """Keras' `fit` over `tf.data`.

    Args:
      task: a `trainers.common.Task`.
      strategy: the `tf.distribute.Strategy`.
      start, steps: int, train from step `start` up to `steps`.
      callbacks: list of Keras callbacks; the last one has `stopped`.

    Returns:
      Whether a signal ended the run early.
    """
    if strategy.num_replicas_in_sync == 1 and FLAGS.strategy == "none":
        data = task.train(start, None)
    else:
        data = strategy.distribute_datasets_from_function(lambda context: task.train(start, context))
    task.model.fit(data, steps_per_epoch=steps - start, epochs=1, verbose=0, callbacks=callbacks)
    return callbacks[-1].stopped


DRIVERS = {"fit": fit}
