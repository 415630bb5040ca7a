"""The REST door: TF Serving's API on aiohttp, the metrics, and two additions of ours.

The additions: `GET /v1/models` lists the models, and `GET /` shows a page. Paths under /v1 are read whatever their
case, as in TF Serving.
"""

import asyncio
import functools
import json
import pathlib
import re
import urllib.parse

from aiohttp import web
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import model_pb2

from zoo import registry
from zoo.errors import UserError
from zoo.serving import grpc_server, json_tensor
from zoo.serving.predict import before
from zoo.serving.servable import DEFAULT_SIGNATURE
from zoo.serving.status import HTTP_STATUS, RequestError, status_of

PAGE = pathlib.Path(__file__).parent / "page"
MODEL = r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
METHOD = re.compile(MODEL + r":(?P<method>classify|regress|predict)", re.IGNORECASE)
STATUS = re.compile(MODEL + r"(?:/(?P<metadata>metadata))?", re.IGNORECASE)
CARD = (
    "title",
    "summary",
    "task",
    "paper",
    "licence",
    "identity",
    "limits",
    "metrics",
)  # of a card, for the list


class RestServer:
    """The API behind one port.

    Attributes:
      port: int, where it listens once started.
    """

    def __init__(self, predictor, metrics, max_request_bytes, metrics_path):
        """Makes the routes.

        Args:
          predictor: a `Predictor`.
          metrics: a `Metrics`.
          max_request_bytes: int, size of a body.
          metrics_path: str, where the metrics are shown; None for nowhere.
        """
        self.port = None
        self._predictor = predictor
        self._models = predictor.models
        self._metrics = metrics
        self._max_request_bytes = max_request_bytes
        app = web.Application(client_max_size=max_request_bytes)
        if metrics_path:
            app.router.add_get(metrics_path, self._show_metrics)
        if (PAGE / "index.html").exists():
            app.router.add_get("/", self._show_page)
            app.router.add_static("/page", PAGE)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)

    async def start(self, host, port):
        """Listens.

        Raises:
          UserError: the address cannot be used.
        """
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port, reuse_address=True).start()
        except OSError as error:
            raise UserError(
                f"REST cannot listen at {host}:{port}: {error.strerror}. Give another --rest_port."
            ) from None
        self.port = self._runner.addresses[0][1]

    async def stop_listening(self):
        """Takes no more connections; those that are there go on."""
        for site in list(self._runner.sites):
            await site.stop()

    async def close(self):
        """Closes all connections; what still comes in on them is lost."""
        await self._runner.cleanup()

    async def _answer(self, request):
        try:
            body = await self._body_of_answer(request)
            return web.Response(body=body, content_type="application/json")
        except web.HTTPRequestEntityTooLarge as error:
            status, message = error.status, f"The request is larger than {self._max_request_bytes} bytes."
        except web.RequestPayloadError as error:
            status, message = 400, f"The body cannot be read: {error}"
        except Exception as raised:
            error = status_of(raised)
            status, message = HTTP_STATUS[error.code], error.message
        return web.json_response({"error": message}, status=status)

    async def _body_of_answer(self, request):
        path = request.rel_url.raw_path
        if not path.lower().startswith("/v1/"):
            raise RequestError("NOT_FOUND", f"There is nothing at {path}; the API is at /v1/models/NAME.")
        if request.method == "POST" and (match := METHOD.fullmatch(path)):
            spec, method = _spec(match), match["method"].lower()
            with self._predictor.admitted() as deadline:
                async with before(deadline):
                    body = await request.read()
                return await self._run(spec, method, body, deadline)
        if request.method == "GET" and (match := STATUS.fullmatch(path)):
            return json.dumps(
                self._metadata(_spec(match)) if match["metadata"] else self._status(_spec(match))
            )
        if request.method == "GET" and path.lower() == "/v1/models":
            return json.dumps(await self._list())
        raise RequestError("INVALID_ARGUMENT", f"Malformed request: {request.method} {path}")

    async def _run(self, spec, method, body, deadline):
        async with before(deadline):
            document = await self._predictor.in_thread(json_tensor.parse_object, body)
        spec.signature_name = json_tensor.signature_name(document)
        if method != "predict":
            grpc_server.refuse(self._models, spec, method)
        decode = functools.partial(_decode, document, spec.signature_name)
        return await self._predictor.predict(spec, decode, _encode, "REST", deadline)

    def _status(self, spec):
        return {
            "model_version_status": [
                {
                    "version": str(version.number),
                    "state": version.state,
                    "status": {
                        "error_code": "UNKNOWN" if version.error else "OK",
                        "error_message": version.error,
                    },
                }
                for version in self._models.status(spec)
            ]
        }

    def _metadata(self, spec):
        with self._models.use(spec) as servable:
            signatures = {name: _describe(signature) for name, signature in servable.signatures.items()}
            version = str(servable.version)
        return {
            "model_spec": {"name": spec.name, "signature_name": "", "version": version},
            "metadata": {"signature_def": {"signature_def": signatures}},
        }

    async def _list(self):
        """The models that are served: what TF Serving's API lacks and a page needs."""
        return {"models": [await self._list_entry(name) for name in sorted(self._models.configs)]}

    async def _list_entry(self, name):
        entry = {"name": name, "versions": self._models.available(name), "signatures": [], "card": {}}
        if entry["versions"]:
            with self._models.use(model_pb2.ModelSpec(name=name)) as servable:
                entry["signatures"] = sorted(servable.signatures)
            directory = pathlib.Path(self._models.configs[name].base_path) / str(entry["versions"][0])
            entry["card"] = await asyncio.to_thread(_read_card, directory)
        return entry

    async def _show_metrics(self, request):
        return web.Response(body=self._metrics.page(), content_type="text/plain")

    async def _show_page(self, request):
        return web.FileResponse(PAGE / "index.html")


def _spec(match):
    """A `ModelSpec` of a path."""
    spec = model_pb2.ModelSpec(name=urllib.parse.unquote(match["name"]))
    if match["version"]:
        if int(match["version"]) >= 2**63:
            raise RequestError(
                "INVALID_ARGUMENT", f"Failed to convert version: {match['version']} to numeric."
            )
        spec.version.value = int(match["version"])
    elif match["label"]:
        spec.version_label = urllib.parse.unquote(match["label"])
    return spec


def _decode(document, name, servable):
    name = name or DEFAULT_SIGNATURE
    if name not in servable.signatures:
        raise RequestError("INVALID_ARGUMENT", f'Serving signature name: "{name}" not found in signature def')
    rows, inputs = json_tensor.parse_inputs(document, servable.signatures[name])
    return name, inputs, rows


def _encode(servable, signature, outputs, rows):
    return json_tensor.write_outputs(outputs, rows)


def _describe(signature):
    """A `SignatureDef` as protobuf's JSON has it."""

    def tensor(info):
        dims = [{"size": str(dim.size), "name": dim.name} for dim in info.tensor_shape.dim]
        return {
            "dtype": types_pb2.DataType.Name(info.dtype),
            "tensor_shape": {"dim": dims, "unknown_rank": info.tensor_shape.unknown_rank},
            "name": info.name,
        }

    return {
        "inputs": {name: tensor(info) for name, info in signature.inputs.items()},
        "outputs": {name: tensor(info) for name, info in signature.outputs.items()},
        "method_name": signature.method_name,
    }


def _read_card(directory):
    """What the list tells of a model's card; nothing if it has none."""
    try:
        card = registry.read_card(directory)
    except UserError:
        return {}
    told = {key: card[key] for key in CARD if key in card}
    return told | {"distortion": card.get("config", {}).get("distortion", "")}
