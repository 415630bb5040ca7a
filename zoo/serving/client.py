"""A client for TensorFlow Serving and the embedded server, over gRPC or REST."""

import base64
import json
import time
import urllib.parse

import numpy as np

from zoo.errors import UserError
from zoo.serving.status import HTTP_STATUS, ServingError


class Client:
    """Asks a server. May be used by several threads.

    Over REST it needs no TensorFlow. Both ways give the same arrays.
    """

    def __init__(self, server, timeout=60.0):
        """Connects when first asked.

        Args:
          server: str, "grpc://HOST:PORT" or "http://HOST:PORT".
          timeout: float, seconds that an answer may take.

        Raises:
          UserError: that is no address.
        """
        scheme, _, address = server.partition("://")
        if scheme not in ("grpc", "http", "https") or not address.strip("/"):
            raise UserError(f"{server!r} is no server; grpc://HOST:PORT or http://HOST:PORT is expected.")
        if scheme == "grpc":
            from zoo.serving.grpc_client import GrpcDoor as Door
        else:
            Door = RestDoor
        self._door = Door(server.rstrip("/"), timeout)

    def predict(self, model, signature, inputs, version=None, label=None):
        """Runs a signature.

        Args:
          model: str.
          signature: str, "" for the default.
          inputs: dict of name to array or nested lists; bytes for strings.
          version: int; None for the newest.
          label: str, another way to name a version.

        Returns:
          dict of name to array, of bytes objects for strings.

        Raises:
          ServingError: the server refused, is not there, or took too long.
        """
        return self._door.predict(model, signature, inputs, version, label)

    def status(self, model):
        """How the versions of a model stand: dict of int to (state, error), both str, such as ("AVAILABLE", "")."""
        return self._door.status(model)

    def metadata(self, model, version=None, label=None):
        """The signatures of a model: dict of name to {"inputs": {name: (dtype, shape)}, "outputs": likewise}.

        dtype is numpy's name or "string"; shape a tuple with None for what is free, or None if even the rank is.
        """
        return self._door.metadata(model, version, label)

    def wait_until_ready(self, model, timeout=60.0):
        """Returns once a version of a model is served; raises `ServingError` if that takes longer."""
        end = time.monotonic() + timeout
        while True:
            try:
                versions = self.status(model)
                if any(state == "AVAILABLE" for state, _ in versions.values()):
                    return
                problem = ServingError("UNAVAILABLE", f"{model} is not ready: {versions}.")
            except ServingError as error:
                problem = error
            if time.monotonic() > end:
                raise problem
            time.sleep(0.1)


class RestDoor:
    """The REST API."""

    def __init__(self, server, timeout):
        import urllib3

        self._server = server
        self._http = urllib3.PoolManager(maxsize=64, timeout=timeout, retries=False)
        self._dtypes = {}

    def predict(self, model, signature, inputs, version, label):
        """See `Client.predict`."""
        body = {"inputs": {name: _to_json(value) for name, value in inputs.items()}}
        if signature:
            body["signature_name"] = signature
        dtypes = self._output_dtypes(model, signature or "serving_default", version, label)
        path = _path(model, version, label)
        answer = self._ask("POST", f"{path}:predict", json.dumps(body))["outputs"]
        if len(dtypes) == 1:
            answer = dict.fromkeys(dtypes, answer)
        return {name: _from_json(value, dtypes[name]) for name, value in answer.items()}

    def status(self, model):
        """See `Client.status`."""
        entries = self._ask("GET", _path(model))["model_version_status"]
        return {int(e["version"]): (e["state"], e["status"]["error_message"]) for e in entries}

    def metadata(self, model, version, label):
        """See `Client.metadata`."""
        answer = self._ask("GET", f"{_path(model, version, label)}/metadata")
        signatures = answer["metadata"]["signature_def"]["signature_def"]
        return {
            name: {
                side: {key: _describe(info) for key, info in signature.get(side, {}).items()}
                for side in ("inputs", "outputs")
            }
            for name, signature in signatures.items()
        }

    def _output_dtypes(self, model, signature, version, label):
        """A dict of output's name to dtype; JSON does not tell. Empty for a signature that is not there."""
        key = (model, signature, version, label)
        if key not in self._dtypes:
            outputs = self.metadata(model, version, label).get(signature, {}).get("outputs", {})
            self._dtypes[key] = {name: dtype for name, (dtype, _) in outputs.items()}
        return self._dtypes[key]

    def _ask(self, method, path, body=None):
        import urllib3

        try:
            answer = self._http.request(method, self._server + path, body=body)
            document = json.loads(answer.data) if answer.data else {}
        except urllib3.exceptions.ReadTimeoutError:
            raise ServingError("DEADLINE_EXCEEDED", f"{self._server} took too long to answer.") from None
        except urllib3.exceptions.HTTPError as error:
            raise ServingError(
                "UNAVAILABLE", f"{self._server} does not answer; is `toulon serve` running there? ({error})"
            ) from None
        except ValueError:
            raise ServingError("UNKNOWN", f"{self._server} is no TensorFlow Serving.") from None
        if answer.status == 200:
            return document
        code = next((c for c, status in HTTP_STATUS.items() if status == answer.status), "UNKNOWN")
        error = document.get("error") if isinstance(document, dict) else None
        raise ServingError(code, f"{self._server} answers: {error or answer.status}")


def _path(model, version=None, label=None):
    path = f"/v1/models/{urllib.parse.quote(model, safe='')}"
    if version is not None:
        return f"{path}/versions/{version}"
    return f"{path}/labels/{urllib.parse.quote(label, safe='')}" if label else path


def _to_json(value):
    """An array, nested lists or a bytes object as JSON wants it."""
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    if isinstance(value, np.ndarray | np.generic):
        # numpy's own type of bytes is left alone: its last zeros are lost already
        return _to_json(value.tolist())
    if isinstance(value, list | tuple):
        return [_to_json(item) for item in value]
    return value


def _from_json(value, dtype):
    if dtype != "string":
        return np.asarray(value, dtype)
    shape, level = [], value
    while isinstance(level, list):
        shape.append(len(level))
        level = level[0] if level else None
    array = np.empty(shape, object)
    array.ravel()[:] = list(_strings(value))
    return array


def _strings(value):
    if isinstance(value, list):
        for item in value:
            yield from _strings(item)
    else:
        yield base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode()


def _describe(info):
    """(dtype, shape) of a `TensorInfo` in JSON."""
    dtype = info["dtype"].removeprefix("DT_").lower()
    dtype = {"float": "float32", "double": "float64", "half": "float16"}.get(dtype, dtype)
    shape = info.get("tensor_shape", {})
    if shape.get("unknown_rank"):
        return dtype, None
    sizes = [int(dim["size"]) for dim in shape.get("dim", [])]
    return dtype, tuple(None if size == -1 else size for size in sizes)
