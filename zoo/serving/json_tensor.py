"""TF Serving's JSON: requests in rows (`instances`) or columns (`inputs`), answers likewise."""

import base64
import binascii
import json
import reprlib

import numpy as np
import tensorflow as tf

from zoo.serving import validate
from zoo.serving.status import RequestError

CHUNK = 4096  # numbers that are written in one go; between two other threads have their turn


def parse_object(body):
    """A request's body, bytes, as a dict.

    Raises:
      RequestError: INVALID_ARGUMENT, it is no JSON object.
    """
    if not body:
        raise RequestError("INVALID_ARGUMENT", "JSON Parse error: The document is empty")
    try:
        document = json.loads(body)
    except RecursionError:
        raise RequestError("INVALID_ARGUMENT", "JSON Parse error: it is nested too deeply") from None
    except ValueError as error:
        raise RequestError("INVALID_ARGUMENT", f"JSON Parse error: {error}") from None
    if not isinstance(document, dict):
        raise RequestError("INVALID_ARGUMENT", f"JSON Value: {reprlib.repr(document)} Is not object")
    return document


def signature_name(document):
    """The name of the signature that a request asks for, "" for the default."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise RequestError(
            "INVALID_ARGUMENT",
            f"JSON Value: {reprlib.repr(document)} not formatted correctly. 'signature_name' key must be a string value.",
        )
    return name


def parse_inputs(document, signature):
    """The inputs of a predict request.

    Args:
      document: dict, the body.
      signature: a `SignatureDef`.

    Returns:
      (bool, dict of name to `tf.Tensor`): whether the request is in rows, and its inputs, checked.

    Raises:
      RequestError: INVALID_ARGUMENT, they are wrong.
    """
    rows = "instances" in document
    if rows and "inputs" in document:
        raise RequestError(
            "INVALID_ARGUMENT",
            "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist",
        )
    if not rows and "inputs" not in document:
        raise RequestError("INVALID_ARGUMENT", "Missing 'inputs' or 'instances' key")
    read = _columns_of_rows if rows else _columns
    columns = read(document["instances" if rows else "inputs"], list(signature.inputs))
    try:
        inputs = {name: _tensor(name, value, signature.inputs[name]) for name, value in columns.items()}
    except RecursionError:
        raise RequestError("INVALID_ARGUMENT", "The lists are nested too deeply.") from None
    validate.check_batch(signature, inputs)
    return rows, inputs


def write_outputs(outputs, rows):
    """An answer to a predict request.

    Args:
      outputs: dict of name to `tf.Tensor`.
      rows: bool, whether to answer in rows.

    Returns:
      bytes.

    Raises:
      RequestError: rows are asked for, but the outputs are not of one batch.
    """
    arrays = {name: _array(tensor) for name, tensor in sorted(outputs.items())}
    if rows:
        return f'{{"predictions": {_write_rows(arrays)}}}'.encode()
    written = {name: _write(name, array) for name, array in arrays.items()}
    if len(written) == 1:
        (text,) = written.values()
    else:
        text = _write_object(written)
    return f'{{"outputs": {text}}}'.encode()


def _columns_of_rows(instances, names):
    """Rows as columns: dict of name to list."""
    if not isinstance(instances, list):
        raise RequestError("INVALID_ARGUMENT", "Expecting 'instances' to be an list/array")
    if not instances:
        raise RequestError("INVALID_ARGUMENT", "No values in 'instances' array")
    if not any(_is_object(instance) for instance in instances):
        if len(names) > 1:
            raise RequestError(
                "INVALID_ARGUMENT",
                "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
                "tensorinfo_map",
            )
        return {names[0]: instances}
    for number, instance in enumerate(instances):
        if not _is_object(instance) or set(instance) != set(names):
            raise RequestError(
                "INVALID_ARGUMENT",
                f"Failed to process element: {number} of 'instances' list. JSON object: {reprlib.repr(instance)} keys must "
                f"be equal to: {','.join(sorted(names))}",
            )
    return {name: [instance[name] for instance in instances] for name in names}


def _columns(inputs, names):
    """Columns as they come: dict of name to value."""
    if not _is_object(inputs):
        if len(names) > 1:
            raise RequestError(
                "INVALID_ARGUMENT",
                "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
                "tensorinfo_map",
            )
        return {names[0]: inputs}
    for name in names:
        if name not in inputs:
            raise RequestError("INVALID_ARGUMENT", f"Missing named input: {name} in 'inputs' object.")
    return {name: inputs[name] for name in names}


def _is_object(value):
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value):
    return isinstance(value, dict) and set(value) == {"b64"} and isinstance(value["b64"], str)


def _tensor(name, value, info):
    """A JSON value as a tensor of an input's type and shape."""
    dtype = tf.dtypes.as_dtype(info.dtype)
    if dtype == tf.string:
        value = _decode_strings(value)
    try:
        array = np.asarray(value, object if dtype == tf.string else None)
    except (ValueError, OverflowError):  # lists of several lengths or too deep
        array = np.asarray(None)
    _check_type(name, value, array, dtype)
    validate.check_shape(name, info, list(array.shape))
    return tf.constant(array.astype(dtype.as_numpy_dtype))


def _check_type(name, value, array, dtype):
    """Raises `RequestError` unless an array can become a dtype without loss."""
    if dtype == tf.string:
        if all(isinstance(item, bytes) for item in array.flat):
            return
    elif dtype == tf.bool:
        if array.dtype == bool:
            return
    elif dtype.is_integer:
        # numpy takes an empty list for one of floats
        if not array.size or (
            array.dtype.kind in "iu" and array.min() >= dtype.min and array.max() <= dtype.max
        ):
            return
    elif dtype.is_floating and array.dtype.kind in "iuf":
        if not array.size or array.dtype.kind == "f":
            finite = array[np.isfinite(array)]
            if not finite.size or np.abs(finite).max() <= dtype.max:
                return
        elif max(abs(int(array.min())), abs(int(array.max()))) <= (2**53 if dtype == tf.float64 else 2**24):
            return
        raise RequestError(
            "INVALID_ARGUMENT",
            f"Input {name!r}: Cannot convert JSON value to {dtype.name} without loss of precision.",
        )
    raise RequestError(
        "INVALID_ARGUMENT",
        f"Input {name!r}: JSON Value: {reprlib.repr(value)} is not of expected type: {dtype.name}, in lists of equal lengths",
    )


def _decode_strings(value):
    """Nested lists of texts and {"b64": …} as nested lists of bytes; anything else stays."""
    if isinstance(value, list):
        return [_decode_strings(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if _is_base64(value):
        try:
            return base64.b64decode(value["b64"], validate=True)
        except (binascii.Error, ValueError):
            raise RequestError("INVALID_ARGUMENT", "Unable to base64 decode") from None
    return value


def _array(tensor):
    """A tensor as an array; texts as bytes objects, whose last zeros numpy's own type of bytes would lose."""
    return np.array(tensor.numpy(), object) if tensor.dtype == tf.string else tensor.numpy()


def _write_rows(arrays):
    sizes = {array.shape[0] if array.ndim else None for array in arrays.values()}
    if len(sizes) != 1 or None in sizes:
        listed = ", ".join(f"{name} {list(array.shape)}" for name, array in arrays.items())
        raise RequestError(
            "INVALID_ARGUMENT", f"The outputs have inconsistent batch size: {listed}; ask with 'inputs'."
        )
    if len(arrays) == 1:
        ((name, array),) = arrays.items()
        return _write(name, array)
    (size,) = sizes
    rows = (
        _write_object({name: _write(name, array[row, ...]) for name, array in arrays.items()})
        for row in range(size)
    )
    return f"[{', '.join(rows)}]"


def _write_object(written):
    return "{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in written.items()) + "}"


def _write(name, array):
    """An array as JSON text."""
    if array.ndim > 1 and array.size > CHUNK:
        return f"[{', '.join(_write(name, part) for part in array)}]"
    if array.dtype == object:
        encode = _write_base64 if name.endswith("_bytes") else _write_text
        return json.dumps(_map(encode, array.tolist()))
    if array.dtype.kind == "f" and array.itemsize < 8:
        array = array.astype(np.float32).astype(str).astype(float)  # 0.2, not 0.20000000298023224
    if array.dtype.kind not in "biuf":
        raise RequestError(
            "INVALID_ARGUMENT", f"Failed to write JSON value for tensor type: {array.dtype.name}"
        )
    return json.dumps(array.tolist())


def _map(function, value):
    return [_map(function, item) for item in value] if isinstance(value, list) else function(value)


def _write_base64(value):
    return {"b64": base64.b64encode(value).decode()}


def _write_text(value):
    return value.decode("utf-8", "replace")
