"""Sets of TensorFlow Datasets: "tfds:NAME[/config][:version]". How copies are made: tfds_prepare.py."""

import numpy as np

from zoo.data.source import Source, check_split
from zoo.data.tfds_prepare import find_prepared, how_to_prepare, prepare, require_tfds
from zoo.errors import UserError

MEMORY_BYTES = 8 * 2**30  # for a TFRecord copy, which cannot be read at random from disk


def load_tfds(name, split, data_dir=None, manual_dir=None, download=False, image_feature=None):
    """Opens a prepared copy; prepares one first only if `manual_dir` or `download` is given.

    Copies in array_record format are read from disk. Of one in TFRecord format the split's examples are read
    into memory, still encoded, up to 8 GiB. Pictures are decoded by OpenCV or Pillow.

    Args:
      name: str, "NAME[/config][:version]" as in TensorFlow Datasets, or the directory of a prepared copy (the
        one that holds dataset_info.json), made anywhere.
      split: str, slices such as "train[:90%]" included.
      data_dir, manual_dir, download: see `zoo.data.tfds_prepare.prepare`.
      image_feature: str, the feature to use as "image" where the set has several pictures and no "image".

    Returns:
      A `Source` with "image" [height, width, channels] uint8 and, where the set has a whole number called
      "label", "label" int64.

    Raises:
      UserError: the set is unknown or not prepared, has not this split, or no 8-bit pictures.
    """
    require_tfds()
    import tensorflow_datasets as tfds

    builder = find_prepared(name, data_dir)
    if builder is None:
        if not manual_dir and not download:
            raise UserError(how_to_prepare(name, data_dir))
        builder = tfds.builder_from_directory(prepare(name, data_dir, manual_dir, download))
    name = f"tfds:{name}"
    features = builder.info.features
    picture = _picture(name, features, image_feature)
    described = {"image": ("uint8", tuple(features[picture].shape))}
    label = dict(features.items()).get("label")
    if label is not None and label.shape == () and np.issubdtype(label.np_dtype, np.integer):
        described["label"] = ("int64", ())
    others = [k for k, f in features.items() if isinstance(f, tfds.features.Image) and k != picture]
    decoders = {k: tfds.decode.SkipDecoding() for k in others}
    records = _records(name, builder, split)

    def get(index):
        example = features.deserialize_example_np(records[index], decoders=decoders)
        found = {"image": example[picture]}
        if "label" in described:
            found["label"] = np.int64(example["label"])
        return found

    return Source(name, len(records), get, described)


def _picture(name, features, wanted):
    """The name of the feature that is the picture."""
    import tensorflow_datasets as tfds

    pictures = [key for key, feature in features.items() if isinstance(feature, tfds.features.Image)]
    if not pictures:
        raise UserError(f"{name} holds {', '.join(features)}; expected a set of pictures.")
    wanted = wanted or (pictures[0] if len(pictures) == 1 else "image")
    if wanted not in pictures:
        raise UserError(
            f"{name} has no picture {wanted!r}; choose image_feature among {', '.join(pictures)}."
        )
    if features[wanted].np_dtype != np.uint8:
        dtype = np.dtype(features[wanted].np_dtype).name
        raise UserError(f"{name}: its pictures are {dtype}; expected 8 bits (uint8).")
    return wanted


def _records(name, builder, split):
    """The split's examples, serialized: a sequence one can index."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    check_split(name, split.partition("[")[0], list(builder.info.splits))
    try:
        files = builder.info.splits[split].file_instructions
    except ValueError:
        raise UserError(
            f"{name}: {split!r} is no slice of a split; write train[:90%] or train[:1000]."
        ) from None
    formats = builder.info.available_file_formats()
    if formats & tfds.core.FileFormat.with_random_access():
        return builder.as_data_source(split, deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES)
    if tfds.core.FileFormat.TFRECORD not in formats:
        raise UserError(
            f"{name}: {builder.data_dir} is stored as {builder.info.file_format.value}; prepare it as array_record."
        )
    size = sum(tf.io.gfile.stat(f.filename).length * f.take / f.examples_in_shard for f in files)
    if size > MEMORY_BYTES:
        raise UserError(
            f"{name}: {split} is {size / 2**30:.1f} GiB of TFRecord files, which have to fit in "
            f"{MEMORY_BYTES / 2**30:.1f} GiB of memory; prepare it as array_record in another data_dir."
        )
    return [
        record
        for f in files
        for record in tf.data.TFRecordDataset(f.filename).skip(f.skip).take(f.take).as_numpy_iterator()
    ]
