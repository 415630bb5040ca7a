"""The gRPC door: TF Serving's PredictionService and ModelService, and gRPC's health service."""

import contextlib
import functools

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from zoo.errors import UserError
from zoo.serving import config, tensors, validate
from zoo.serving.servable import DEFAULT_SIGNATURE
from zoo.serving.status import CODES, RequestError, status_of

SERVICES = (  # as gRPC names them, and as TF Serving does in its health service
    "",
    "tensorflow.serving.PredictionService",
    "tensorflow.serving.ModelService",
    "PredictionService",
    "ModelService",
)


def _answers_errors(method):
    """A service's method whose exceptions become gRPC's."""

    @functools.wraps(method)
    async def answer(self, request, context):
        try:
            if request is None:
                raise RequestError("INVALID_ARGUMENT", "The message cannot be read.")
            return await method(self, request, context)
        except Exception as raised:
            error = status_of(raised)
        await context.abort(grpc.StatusCode[error.code], error.message)

    return answer


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict and GetModelMetadata; the methods for signatures that our models have none of say so."""

    def __init__(self, predictor):
        self._predictor = predictor

    @_answers_errors
    async def Predict(self, request, context):  # noqa: N802
        """Runs a signature; as in predict.proto."""
        _check_spec(request)
        with self._predictor.admitted(context.time_remaining()) as deadline:
            decode = functools.partial(_decode, request)
            return await self._predictor.predict(request.model_spec, decode, _encode, "GRPC", deadline)

    @_answers_errors
    async def GetModelMetadata(self, request, context):  # noqa: N802
        """The signatures of a model; as in get_model_metadata.proto."""
        _check_spec(request)
        if not request.metadata_field:
            raise RequestError(
                "INVALID_ARGUMENT", "GetModelMetadataRequest must specify at least one metadata_field"
            )
        for field in request.metadata_field:
            if field != "signature_def":
                raise RequestError("INVALID_ARGUMENT", f"Metadata field {field} is not supported")
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        signatures = get_model_metadata_pb2.SignatureDefMap()
        with self._predictor.models.use(request.model_spec) as servable:
            for name, signature in servable.signatures.items():
                signatures.signature_def[name].CopyFrom(signature)
            response.model_spec.name = servable.name
            response.model_spec.version.value = servable.version
        response.metadata["signature_def"].Pack(signatures)
        return response

    @_answers_errors
    async def Classify(self, request, context):  # noqa: N802
        """Says what TF Serving says of a model without such a signature."""
        refuse(self._predictor.models, request.model_spec, "classify")

    @_answers_errors
    async def Regress(self, request, context):  # noqa: N802
        """Says what TF Serving says of a model without such a signature."""
        refuse(self._predictor.models, request.model_spec, "regress")

    @_answers_errors
    async def MultiInference(self, request, context):  # noqa: N802
        """Says that there is none."""
        raise RequestError("UNIMPLEMENTED", "The embedded server has no MultiInference; use Predict.")


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus and HandleReloadConfigRequest."""

    def __init__(self, models):
        self._models = models

    @_answers_errors
    async def GetModelStatus(self, request, context):  # noqa: N802
        """How the versions of a model stand; as in get_model_status.proto."""
        _check_spec(request)
        response = get_model_status_pb2.GetModelStatusResponse()
        states = get_model_status_pb2.ModelVersionStatus.State
        for version in self._models.status(request.model_spec):
            entry = response.model_version_status.add(
                version=version.number, state=states.Value(version.state)
            )
            entry.status.error_code = CODES.index("UNKNOWN" if version.error else "OK")
            entry.status.error_message = version.error
        return response

    @_answers_errors
    async def HandleReloadConfigRequest(self, request, context):  # noqa: N802
        """Changes which models are served; as in model_management.proto."""
        if request.config.WhichOneof("config") != "model_config_list":
            raise RequestError(
                "INVALID_ARGUMENT",
                "ServerModelConfig type not supported by HandleReloadConfigRequest. "
                "Only ModelConfigList is currently supported",
            )
        problem = config.find_problem(request.config)
        if problem:
            raise RequestError("INVALID_ARGUMENT", problem)
        await self._models.reload(request.config)
        missing = [name for name in self._models.configs if not self._models.available(name)]
        if missing:
            raise RequestError("UNKNOWN", f"Some models did not become available: {{{', '.join(missing)}}}")
        return model_management_pb2.ReloadConfigResponse()


def refuse(models, spec, method):
    """Raises what TF Serving answers to a method that a model's signature is not for."""
    with models.use(spec) as servable:
        name = spec.signature_name or DEFAULT_SIGNATURE
        if name not in servable.signatures:
            raise RequestError("INVALID_ARGUMENT", f"No signature was found with the name: {name}")
        was = servable.signatures[name].method_name
    expected = f"tensorflow/serving/{method}"
    if was != expected:
        kind = {"classify": "classification", "regress": "regression"}[method]
        raise RequestError(
            "INVALID_ARGUMENT", f"Expected {kind} signature method_name to be {expected}. Was: {was}"
        )
    raise RequestError("UNIMPLEMENTED", f"The embedded server has no {method}; use predict.")


def _check_spec(request):
    if not request.HasField("model_spec"):
        raise RequestError("INVALID_ARGUMENT", "Missing ModelSpec")


def _decode(request, servable):
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    signature = servable.signature(name)
    validate.check_filter(signature, request.output_filter)
    return name, validate.from_protos(signature, request.inputs), list(request.output_filter)


def _encode(servable, signature, outputs, output_filter):
    response = predict_pb2.PredictResponse()
    response.model_spec.name = servable.name
    response.model_spec.version.value = servable.version
    response.model_spec.signature_name = signature
    for name in output_filter or outputs:
        response.outputs[name].CopyFrom(tensors.to_proto(outputs[name]))
    return response


class _ReadsAnything(grpc.aio.ServerInterceptor):
    """Gives a service None for a message that is none; by itself, gRPC would log a traceback for each."""

    async def intercept_service(self, continuation, details):
        handler = await continuation(details)
        if handler is None or not details.method.startswith("/tensorflow.serving."):
            return handler

        def read(data):
            try:
                return handler.request_deserializer(data)
            except DecodeError:
                return None

        return grpc.unary_unary_rpc_method_handler(handler.unary_unary, read, handler.response_serializer)


class GrpcServer:
    """The services behind one port.

    Attributes:
      port: int, where it listens once started.
    """

    def __init__(self, predictor, max_request_bytes):
        options = [
            ("grpc.so_reuseport", 0),  # else two servers share a port in silence
            ("grpc.max_receive_message_length", max_request_bytes),
            ("grpc.max_send_message_length", -1),
        ]
        self.port = None
        self._server = grpc.aio.server(interceptors=[_ReadsAnything()], options=options)
        self._health = health.aio.HealthServicer()
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
            PredictionService(predictor), self._server
        )
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(
            ModelService(predictor.models), self._server
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)

    async def start(self, host, port):
        """Listens.

        Raises:
          UserError: the address cannot be used.
        """
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.port = 0
        with contextlib.suppress(RuntimeError):
            self.port = self._server.add_insecure_port(address)
        if not self.port:
            raise UserError(
                f"gRPC cannot listen at {address}; it is in use, or no address of this machine. Give another --grpc_port."
            )
        for service in SERVICES:
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        await self._server.start()

    async def tell_health(self):
        """Tells whoever asks or watches that it is going to stop."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace):
        """Takes no more requests, and waits at most `grace` seconds for those under way."""
        await self._server.stop(grace)
