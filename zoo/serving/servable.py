"""A loaded version of a model: its signatures, ready to run."""

import itertools
import pathlib

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2

from zoo.serving import status, validate
from zoo.serving.status import RequestError

DEFAULT_SIGNATURE = "serving_default"
WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
MAX_WARMUP_RECORDS = 1000


class Servable:
    """A version of a model.

    Attributes:
      name: str, the model's.
      version: int.
      signatures: dict of name to `SignatureDef`, as in the SavedModel.
    """

    def __init__(self, name, version, directory):
        """Loads a version and runs its warm-up requests.

        Args:
          name: str, the model's.
          version: int.
          directory: holds saved_model.pb.

        Raises:
          Exception: of many kinds, if the SavedModel is damaged or incomplete or its warm-up fails.
        """
        self.name = name
        self.version = version
        self.signatures = _read_signatures(directory)
        self._loaded = tf.saved_model.load(str(directory), tags=["serve"])
        self._functions = dict(self._loaded.signatures)
        self._warm_up(pathlib.Path(directory) / WARMUP_FILE)

    def signature(self, name):
        """The `SignatureDef` of a name, "" for the default.

        Raises:
          RequestError: there is none.
        """
        name = name or DEFAULT_SIGNATURE
        if name not in self.signatures:
            raise RequestError("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.')
        return self.signatures[name]

    def run(self, signature, inputs):
        """Computes a signature.

        Args:
          signature: str, its name.
          inputs: dict of name to `tf.Tensor`, checked.

        Returns:
          dict of name to `tf.Tensor`.

        Raises:
          RequestError: what the graph raised.
        """
        try:
            return self._functions[signature](**inputs)
        except tf.errors.OpError as error:
            raise status.from_tensorflow(error) from None

    def _warm_up(self, path):
        if not path.exists():
            return
        records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
        for record in itertools.islice(records, MAX_WARMUP_RECORDS):
            entry = prediction_log_pb2.PredictionLog.FromString(record)
            if not entry.HasField("predict_log"):
                continue
            request = entry.predict_log.request
            name = request.model_spec.signature_name or DEFAULT_SIGNATURE
            inputs = validate.from_protos(self.signature(name), request.inputs)
            self.run(name, inputs)


def _read_signatures(directory):
    """The signatures that are for callers, dict of name to `SignatureDef`."""
    saved = saved_model_pb2.SavedModel.FromString((pathlib.Path(directory) / "saved_model.pb").read_bytes())
    graphs = [graph for graph in saved.meta_graphs if "serve" in graph.meta_info_def.tags]
    if not graphs:
        raise ValueError("it has no graph with the tag 'serve'")
    return {
        name: signature
        for name, signature in graphs[0].signature_def.items()
        if not name.startswith("__saved_model")
    }
