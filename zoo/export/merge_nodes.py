"""Makes the graph of a SavedModel smaller: nodes that compute the same become one."""

import pathlib

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry


def merge_equal_nodes(directory):
    """Rewrites a SavedModel so that every function holds each constant and each expression once.

    TensorFlow traces every `0`, every shape and every part of it anew, and its loader takes about a tenth of a
    millisecond for each: half of the nodes, and of the time, are repetitions.

    Args:
      directory: of the SavedModel.
    """
    path = pathlib.Path(directory) / "saved_model.pb"
    proto = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for graph in proto.meta_graphs:
        for function in graph.graph_def.library.function:
            _merge(function)
    path.write_bytes(proto.SerializeToString(deterministic=True))


def _merge(function):
    """Merges the equal nodes of a `FunctionDef`, in place, until there are none.

    What has to wait for a check keeps waiting: the inputs of a node include those that only order it, and TensorFlow
    has constants wait in place of the nodes that take them.
    """
    while True:
        first, same = {}, {}  # key of a node -> its name; name of a node -> the equal one that stays
        for node in function.node_def:
            if _is_pure(node):
                key = _key(node)
                same[node.name] = first.setdefault(key, node.name)
        same = {name: kept for name, kept in same.items() if name != kept}
        if not same:
            return
        kept = [node for node in function.node_def if node.name not in same]
        for node in kept:
            inputs = [_redirect(source, same) for source in node.input]
            data = [source for source in inputs if source[0] != "^"]
            control = sorted({source for source in inputs if source[0] == "^"})
            node.input[:] = data + control
        for results in (function.ret, function.control_ret):
            for name in results:
                results[name] = _redirect(results[name], same)
        nodes = [type(node).FromString(node.SerializeToString()) for node in kept]
        del function.node_def[:]
        function.node_def.extend(nodes)


def _is_pure(node):
    """Whether a node's outputs depend on its inputs and attributes only, and nobody can change them."""
    op = op_def_registry.get(node.op)
    if op is None or op.is_stateful:
        return False
    kinds = {arg.type for arg in (*op.input_arg, *op.output_arg)}
    kinds |= {attr.type for attr in node.attr.values() if attr.WhichOneof("value") == "type"}
    return not kinds & {tf.resource.as_datatype_enum, tf.variant.as_datatype_enum}


def _key(node):
    attributes = sorted(
        (name, value.SerializeToString(deterministic=True))
        for name, value in node.attr.items()
        if not name.startswith("_")
    )
    return node.op, node.device, tuple(node.input), tuple(attributes)


def _redirect(source, same):
    """An input "name:output:0", "^name" or "name", with the name of the node that stays."""
    control = "^" if source[0] == "^" else ""
    name, *output = source.removeprefix("^").split(":")
    return control + ":".join([same.get(name, name), *output])
