"""Pictures out of TFRecord files of `tf.train.Example`."""

import re

from zoo.errors import UserError

_NAME = re.compile(r"\.tfrecords?(-\d+-of-\d+)?(\.gz)?$")


def is_records(path):
    """Whether a path is that of a TFRecord file, ".tfrecord", ".tfrecord-00003-of-00010", perhaps ".gz"."""
    return bool(_NAME.search(path))


def read_records(path, compressed=False):
    """The records of a local TFRecord file, one after the other: bytes.

    Raises:
      UserError: it is damaged; the records before that are given first.
    """
    import tensorflow as tf

    try:
        for record in tf.data.TFRecordDataset(path, "GZIP" if compressed else ""):
            yield record.numpy()
    except (tf.errors.DataLossError, tf.errors.OutOfRangeError) as error:
        raise UserError(f"the TFRecord file is damaged: {error.message.splitlines()[0]}") from None


def parse(record, name_key, data_key):
    """A file's name and bytes from a serialized `tf.train.Example`.

    Raises:
      UserError: it is none, or has no such features.
    """
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    try:
        features = tf.train.Example.FromString(record).features.feature
    except DecodeError:
        raise UserError("it is no tf.train.Example.") from None
    values = {key: feature.bytes_list.value for key, feature in features.items() if feature.bytes_list.value}
    for option, key in (("name_key", name_key), ("image_key", data_key)):
        if key not in values:
            raise UserError(f"it has no {key!r}; give one of {', '.join(sorted(values))} as --{option}.")
    try:
        return values[name_key][0].decode(), values[data_key][0]
    except UnicodeDecodeError:
        raise UserError(f"its {name_key!r} is no UTF-8 text.") from None
