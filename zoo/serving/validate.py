"""Takes tensors out of requests and checks them before a graph sees them.

A tensor of the wrong rank can end the process inside TensorFlow's C++ code, so that nothing is left to the graph.
"""

import math

import tensorflow as tf

from zoo.serving.status import RequestError

# A proto may give one value for a whole tensor, so that a few bytes can ask for any size.
FREE_BYTES = 2**26  # what a tensor may always take
GROWTH = 16  # and how many times its proto; small integers and short strings grow without any trick
STRING_BYTES = 24  # an empty string in memory


def from_protos(signature, protos):
    """The inputs of a signature.

    Args:
      signature: a `SignatureDef`.
      protos: mapping of name to `TensorProto`.

    Returns:
      dict of name to `tf.Tensor` of the signature's dtypes and shapes, all of one batch size.

    Raises:
      RequestError: INVALID_ARGUMENT, they do not fit the signature.
    """
    check_names(signature, protos)
    for name, info in signature.inputs.items():
        shape = protos[name].tensor_shape
        if protos[name].dtype != info.dtype:
            given = (
                tf.dtypes.as_dtype(protos[name].dtype).name if _is_dtype(protos[name].dtype) else "no type"
            )
            raise RequestError(
                "INVALID_ARGUMENT",
                f"Input {name!r} is {given}; {tf.dtypes.as_dtype(info.dtype).name} is expected.",
            )
        if shape.unknown_rank:
            raise RequestError("INVALID_ARGUMENT", f"Input {name!r} has no shape.")
        check_shape(name, info, [dim.size for dim in shape.dim])
        _check_size(name, protos[name])
    inputs = {name: _parse(name, protos[name]) for name in signature.inputs}
    check_batch(signature, inputs)
    return inputs


def check_names(signature, inputs):
    """Raises `RequestError`, with TF Serving's text, unless the inputs have the signature's names."""
    given, expected = set(inputs), set(signature.inputs)
    if given != expected:

        def listed(names):
            return "{" + ",".join(sorted(names)) + "}"

        raise RequestError(
            "INVALID_ARGUMENT",
            f"input size does not match signature: {len(given)}!={len(expected)} len({listed(given)}) != "
            f"len({listed(expected)}). Sent extra: {listed(given - expected)}. "
            f"Missing but required: {listed(expected - given)}.",
        )


def check_shape(name, info, shape):
    """Raises `RequestError` unless a shape, a list of int, fits an input's `TensorInfo`."""
    expected = info.tensor_shape
    sizes = [dim.size for dim in expected.dim]
    fits = expected.unknown_rank or (
        len(shape) == len(sizes) and all(want in (-1, size) for want, size in zip(sizes, shape, strict=True))
    )
    if not fits or any(size < 0 for size in shape):
        wanted = ", ".join("?" if size == -1 else str(size) for size in sizes)
        raise RequestError(
            "INVALID_ARGUMENT", f"Input {name!r} has the shape {shape}; [{wanted}] is expected."
        )


def check_batch(signature, inputs):
    """Raises `RequestError` unless all inputs whose first dimension is free have the same there, 1 or more."""
    sizes = {
        name: inputs[name].shape[0]
        for name, info in signature.inputs.items()
        if info.tensor_shape.dim and info.tensor_shape.dim[0].size == -1
    }
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} {size}" for name, size in sorted(sizes.items()))
        raise RequestError(
            "INVALID_ARGUMENT", f"Inputs must have equal 0th-dimension size, the batch; they have {listed}."
        )
    if 0 in sizes.values():
        raise RequestError("INVALID_ARGUMENT", "The batch is empty: 0th-dimension size 0.")


def check_filter(signature, names):
    """Raises `RequestError`, with TF Serving's text, unless the names are outputs of the signature, each once."""
    for name in names:
        if name not in signature.outputs:
            raise RequestError(
                "INVALID_ARGUMENT",
                f"output tensor alias not found in signature: {name} Outputs expected to be in the set "
                f"{{{','.join(sorted(signature.outputs))}}}.",
            )
    if len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise RequestError("INVALID_ARGUMENT", f"duplicate output tensor alias: {twice}")


def _check_size(name, proto):
    dtype = tf.dtypes.as_dtype(proto.dtype)
    shape = [dim.size for dim in proto.tensor_shape.dim]
    size = math.prod(shape) * (STRING_BYTES if dtype == tf.string else dtype.size)
    if size > max(FREE_BYTES, GROWTH * proto.ByteSize()):
        raise RequestError("INVALID_ARGUMENT", f"Input {name!r} has the shape {shape} but too few values.")


def _is_dtype(number):
    try:
        tf.dtypes.as_dtype(number)
    except TypeError:
        return False
    return True


def _parse(name, proto):
    """A tensor from its proto, in C++ as TF Serving does."""
    try:
        return tf.io.parse_tensor(proto.SerializeToString(), tf.dtypes.as_dtype(proto.dtype))
    except tf.errors.OpError:
        raise RequestError("INVALID_ARGUMENT", f"tensor parsing error: {name}") from None
