"""What binaries that train on patches of photographs share: where the pictures come from, and batches of them."""

import dataclasses
from collections.abc import Callable
from typing import Any

from absl import flags

FLAGS = flags.FLAGS

flags.DEFINE_string("data", "sample:photos", "Training pictures, see zoo.data.load.")
flags.DEFINE_string("validation_data", "sample:kodak", "Pictures to evaluate on.")
flags.DEFINE_float(
    "min_scale",
    1.0,
    "Patches are seen reduced by a factor drawn from [min_scale, 1].",
    lower_bound=0.1,
    upper_bound=1,
)


@dataclasses.dataclass
class Photographs:
    """Pictures to train and to evaluate on; the attributes are those of `trainers.common.Task`, and the first held out.

    Attributes:
      train: function (start_step, stop_step, context) -> `tf.data.Dataset`.
      validation: `tf.data.Dataset` of single whole pictures, "image" [1, height, width, C] float32 in [0, 1].
      resident: function (step, replica, replicas) -> a batch, or None.
      first: [height, width, C] uint8, the first picture held out, to be shown.
      channels: int.
    """

    train: Callable
    validation: Any
    resident: Callable | None
    first: Any
    channels: int


def load(patch_size, transpose=False, colour=False):
    """Opens what `--data` and `--validation_data` name.

    Args:
      patch_size: int, side of the square patches in pixels.
      transpose: bool, see `zoo.data.pipeline.random_patch`.
      colour: bool, whether the pictures must be RGB.

    Raises:
      UserError: pictures are missing, the two differ in their channels, or replicas cannot share a batch.
    """
    import tensorflow as tf

    import zoo.data
    from zoo.data import pipeline
    from zoo.errors import UserError

    photos = zoo.data.load(FLAGS.data, "train")
    held_out = zoo.data.load(FLAGS.validation_data, "test")
    channels, others = (source.features["image"][1][-1] for source in (photos, held_out))
    for source in (photos, held_out):
        if colour and source.features["image"][1][-1] != 3:
            raise UserError(f"{source.name} has no colour pictures; this model takes RGB.")
    if channels != others:
        raise UserError(
            f"{photos.name} has {channels} channels and {held_out.name} {others}; take equal ones."
        )
    if FLAGS.batch_size % tf.distribute.get_strategy().num_replicas_in_sync:
        raise UserError(f"--batch_size={FLAGS.batch_size} cannot be split evenly between the replicas.")
    patch = pipeline.random_patch(patch_size, transpose=transpose, scale_range=(FLAGS.min_scale, 1.0))

    def train(start_step, stop_step, context):
        return pipeline.batches(
            photos, FLAGS.batch_size, seed=FLAGS.seed, transform=patch, start_step=start_step, stop_step=stop_step,
            context=context,
        )  # fmt: skip

    resident = None
    if FLAGS.driver == "resident":
        resident = pipeline.resident_batches(photos, FLAGS.batch_size, seed=FLAGS.seed, transform=patch)
    validation = tf.data.Dataset.range(len(held_out))
    validation = validation.map(lambda i: {"image": pipeline.to_float(pipeline.fetch(held_out, i)["image"])})
    return Photographs(train, validation.batch(1), resident, held_out[0]["image"], channels)
