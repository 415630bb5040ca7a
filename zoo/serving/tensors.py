"""Results as gRPC messages."""

import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

# Larger tensors are sent as raw bytes, a hundred times as fast; `tf.make_ndarray` reads both.
MAX_FIELD_ELEMENTS = 2**14
FIELDS = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int32: "int_val",
    tf.int16: "int_val",
    tf.int8: "int_val",
    tf.uint8: "int_val",
    tf.uint16: "int_val",
    tf.int64: "int64_val",
    tf.bool: "bool_val",
    tf.uint32: "uint32_val",
    tf.uint64: "uint64_val",
}


def to_proto(tensor):
    """A `tf.Tensor` as a `TensorProto`.

    Up to 2^14 numbers go into the field of their type, as from TF Serving, so that clients that read `float_val` find
    them there.
    """
    array = tensor.numpy()
    field = FIELDS.get(tensor.dtype)
    if field is None or array.size > MAX_FIELD_ELEMENTS:
        return tf.make_tensor_proto(array, dtype=tensor.dtype, shape=array.shape)
    proto = tensor_pb2.TensorProto(dtype=tensor.dtype.as_datatype_enum)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    getattr(proto, field).extend(array.ravel().tolist())
    return proto
