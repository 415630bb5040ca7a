import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from zoo.export.merge_nodes import merge_equal_nodes


class Repetitive(tf.Module):
    """What must stay apart beside what may be merged."""

    def __init__(self):
        super().__init__()
        self.calls = tf.Variable(0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, "x")])
    def same(self, x):
        total = tf.constant(0)
        for step in tf.range(3):  # a body of its own
            total += (tf.shape(x)[0] + 1) * (tf.shape(x)[0] + 1) + step
        with tf.control_dependencies([tf.debugging.assert_greater(tf.shape(x)[0] + 1, 0, message="never")]):
            y = tf.concat([x, x[: tf.shape(x)[0]] + 1], 0) + total
        with tf.control_dependencies([self.calls.assign_add(1)]):
            first = self.calls.read_value()
        with tf.control_dependencies([self.calls.assign_add(1)]):
            second = self.calls.read_value()
        draws = tf.stack([tf.random.uniform([]), tf.random.uniform([])])
        parts = tf.unique(tf.concat([x, x], 0)), tf.unique(tf.concat([x, x], 0))
        with tf.control_dependencies([tf.debugging.assert_less(x[0], 10, message="a first one too large")]):
            y = y[:: 10 - x[0]] + tf.strings.length(
                tf.strings.substr("0123456789", x[0], 1)
            )  # the check comes first
        return {
            "y": y,
            "calls": tf.stack([first, second]),
            "draws": draws,
            "again": parts[1][1],
            "values": parts[0][0],
        }


def functions(directory):
    proto = saved_model_pb2.SavedModel.FromString((directory / "saved_model.pb").read_bytes())
    return proto.meta_graphs[0].graph_def.library.function


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A SavedModel as TensorFlow writes it, and the same with nodes merged."""
    module, directory = Repetitive(), tmp_path_factory.mktemp("saved")
    tf.saved_model.save(module, str(directory / "plain"), signatures={"same": module.same})
    shutil.copytree(directory / "plain", directory / "merged")
    merge_equal_nodes(directory / "merged")
    return directory / "plain", directory / "merged"


def test_answers_stay(saved):
    x = tf.constant([3, 1, 3, 2])
    plain, merged = (tf.saved_model.load(str(directory)).signatures["same"] for directory in saved)
    for _ in range(2):
        expected, found = plain(x=x), merged(x=x)
        for name in ("y", "calls", "again", "values"):
            np.testing.assert_array_equal(found[name], expected[name])
        assert found["draws"][0] != found["draws"][1]
    assert found["calls"].numpy().tolist() == [3, 4]


def test_checks_still_come_first(saved):
    for directory in saved:
        call = tf.saved_model.load(str(directory)).signatures["same"]
        for _ in range(10):
            with pytest.raises(tf.errors.InvalidArgumentError, match="a first one too large"):
                call(x=tf.constant([10, 3, 1]))


def test_equal_nodes_are_one(saved):
    before, after = ({f.signature.name: f for f in functions(directory)} for directory in saved)
    assert set(before) == set(after)
    assert sum(len(f.node_def) for f in after.values()) < 0.8 * sum(len(f.node_def) for f in before.values())
    for function in after.values():
        constants = [
            n.attr["value"].SerializeToString() for n in function.node_def if n.op == "Const" and not n.input
        ]
        assert len(constants) == len(set(constants)), function.signature.name
        names = {n.name for n in function.node_def} | {a.name for a in function.signature.input_arg}
        for source in (s for n in function.node_def for s in n.input):
            assert source.removeprefix("^").split(":")[0] in names


def test_merging_again_changes_nothing(saved):
    once = (saved[1] / "saved_model.pb").read_bytes()
    merge_equal_nodes(saved[1])
    assert (saved[1] / "saved_model.pb").read_bytes() == once
