"""The gRPC door of `zoo.serving.client`; imports TensorFlow, whose messages it sends."""

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from zoo.serving.status import ServingError


class GrpcDoor:
    """The gRPC API."""

    def __init__(self, server, timeout):
        options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        self._server = server
        self._timeout = timeout
        channel = grpc.insecure_channel(server.removeprefix("grpc://"), options)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(channel)
        self._input_dtypes = {}

    def predict(self, model, signature, inputs, version, label):
        """See `Client.predict`."""
        request = predict_pb2.PredictRequest()
        _fill(request.model_spec, model, version, label)
        request.model_spec.signature_name = signature
        dtypes = self._dtypes(model, signature or "serving_default", version, label)
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(self._to_proto(name, value, dtypes.get(name)))
        response = self._ask(self._predictions.Predict, request)
        return {name: tf.make_ndarray(proto) for name, proto in response.outputs.items()}

    def status(self, model):
        """See `Client.status`."""
        request = get_model_status_pb2.GetModelStatusRequest()
        _fill(request.model_spec, model)
        states = get_model_status_pb2.ModelVersionStatus.State
        entries = self._ask(self._models.GetModelStatus, request).model_version_status
        return {e.version: (states.Name(e.state), e.status.error_message) for e in entries}

    def metadata(self, model, version, label):
        """See `Client.metadata`."""
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        _fill(request.model_spec, model, version, label)
        response = self._ask(self._predictions.GetModelMetadata, request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        return {
            name: {
                "inputs": {key: _describe(info) for key, info in signature.inputs.items()},
                "outputs": {key: _describe(info) for key, info in signature.outputs.items()},
            }
            for name, signature in signatures.signature_def.items()
        }

    def _dtypes(self, model, signature, version, label):
        """A dict of input's name to dtype; nested lists do not tell. Empty for a signature that is not there."""
        key = (model, signature, version, label)
        if key not in self._input_dtypes:
            inputs = self.metadata(model, version, label).get(signature, {}).get("inputs", {})
            self._input_dtypes[key] = {name: dtype for name, (dtype, _) in inputs.items()}
        return self._input_dtypes[key]

    def _to_proto(self, name, value, dtype):
        try:
            return tf.make_tensor_proto(value, dtype)
        except (TypeError, ValueError) as error:
            raise ServingError("INVALID_ARGUMENT", f"{name} cannot be sent as {dtype}: {error}") from None

    def _ask(self, method, request):
        try:
            return method(request, timeout=self._timeout)
        except grpc.RpcError as error:
            code, details = error.code().name, error.details()
        if code == "UNAVAILABLE" and "onnect" in details:
            raise ServingError(
                code, f"{self._server} does not answer; is `toulon serve` running there? ({details})"
            )
        raise ServingError(code, f"{self._server} answers: {details}")


def _fill(spec, model, version=None, label=None):
    spec.name = model
    if version is not None:
        spec.version.value = version
    elif label:
        spec.version_label = label


def _describe(info):
    """(dtype, shape) of a `TensorInfo`."""
    dims = [dim.size for dim in info.tensor_shape.dim]
    shape = None if info.tensor_shape.unknown_rank else tuple(None if n == -1 else n for n in dims)
    return tf.dtypes.as_dtype(info.dtype).name, shape
