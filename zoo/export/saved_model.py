"""Writes an export: a directory that TF Serving takes as it is."""

import contextlib
import os
import pathlib
import shutil

import tensorflow as tf
from tensorflow.python.saved_model import fingerprinting_utils

from zoo.errors import UserError
from zoo.export.merge_nodes import merge_equal_nodes


@contextlib.contextmanager
def new_version(root):
    """A context in which to fill the next version of a model; it appears under its number whole or not at all.

    Args:
      root: directory of the model; versions are its integer subdirectories and never overwritten.

    Yields:
      A `pathlib.Path`, a temporary directory that gets its number at the end. TF Serving, which looks for integers,
      does not see it.

    Raises:
      UserError: `root` cannot be written.
    """
    root = pathlib.Path(root)
    temporary = root / ".partial"
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        yield temporary
        versions = [int(d.name) for d in root.iterdir() if d.name.isdigit()]
        os.replace(temporary, root / str(max(versions, default=0) + 1))
    except OSError as error:
        raise UserError(f"the export to {root} cannot be written: {error.strerror or error}.") from None
    except (
        tf.errors.ResourceExhaustedError,
        tf.errors.PermissionDeniedError,
    ) as error:  # TensorFlow's own files
        raise UserError(f"the export to {root} cannot be written: {error.message.splitlines()[0]}.") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def save_signatures(directory, signatures, default):
    """Writes a SavedModel of named functions.

    Args:
      directory: where to.
      signatures: dict of name to `tf.function` with an input signature of named `tf.TensorSpec`s, returning a
        dict of named tensors.
      default: str, the signature that is also "serving_default".

    Raises:
      ValueError: an op is not stock TensorFlow, so that a stock server could not load the export.
    """
    module = tf.Module()
    concrete = {name: function.get_concrete_function() for name, function in signatures.items()}
    module.state = list(
        {id(v): v for function in concrete.values() for v in function.graph.variables}.values()
    )
    concrete["serving_default"] = concrete[default]
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(directory), signatures=concrete, options=options)
    shutil.rmtree(pathlib.Path(directory) / "assets", ignore_errors=True)
    merge_equal_nodes(directory)
    fingerprinting_utils.write_fingerprint(str(directory))
    foreign = foreign_ops(directory)
    if foreign:
        raise ValueError(f"{directory} holds ops that are not stock TensorFlow: {', '.join(foreign)}")


def ops(directory):
    """Sorted names of all ops in a SavedModel, functions included."""
    from tensorflow.core.protobuf import saved_model_pb2

    proto = saved_model_pb2.SavedModel.FromString((pathlib.Path(directory) / "saved_model.pb").read_bytes())
    found = set()
    for graph in proto.meta_graphs:
        found |= {node.op for node in graph.graph_def.node}
        for function in graph.graph_def.library.function:
            found |= {node.op for node in function.node_def}
    return sorted(found)


def foreign_ops(directory):
    """Those ops of a SavedModel that tensorflow-compression adds to TensorFlow, or that nobody knows."""
    from tensorflow.python.framework import op_def_registry
    from tensorflow_compression.python.ops import gen_ops

    added = {name for name in gen_ops.__dict__ if name[0].isupper()}
    added |= {
        "".join(part.title() for part in name.split("_")) for name in vars(gen_ops) if name[0].islower()
    }
    return [op for op in ops(directory) if op in added or op_def_registry.get(op) is None]


def describe(function):
    """Inputs and outputs of a signature as {"inputs": {name: "dtype shape"}, "outputs": {…}}."""

    def spec(tensor):
        shape = ", ".join("?" if size is None else str(size) for size in tensor.shape)
        return f"{tensor.dtype.name} [{shape}]"

    concrete = function.get_concrete_function()
    return {
        "inputs": {s.name: spec(s) for s in function.input_signature},
        "outputs": {name: spec(tensor) for name, tensor in concrete.structured_outputs.items()},
    }
