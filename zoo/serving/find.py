"""Starts a real TensorFlow Serving, where there is one."""

import contextlib
import dataclasses
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

from google.protobuf import text_format

from zoo.errors import UserError
from zoo.serving import config
from zoo.serving.client import Client
from zoo.serving.status import ServingError

BINARY = "tensorflow_model_server"
SIGNALS = (signal.SIGTERM, signal.SIGINT)


def find_binary():
    """The path of TensorFlow Serving's binary; None if it is not on the PATH."""
    return shutil.which(BINARY)


@contextlib.contextmanager
def command_line(binary, options):
    """A context with the command that starts a real server; its models.config with absolute paths lies in a temporary file.

    Args:
      binary: str, path of the binary.
      options: a `zoo.serving.options.Options`, ports other than 0.

    Yields:
      list of str.
    """
    folder = pathlib.Path(options.models).resolve()
    with tempfile.TemporaryDirectory(prefix="toulon-serve-") as directory:
        models = pathlib.Path(directory) / "models.config"
        models.write_text(text_format.MessageToString(config.read_models(folder)))
        command = [
            binary,
            f"--port={options.grpc_port}",
            f"--rest_api_port={options.rest_port}",
            f"--rest_api_timeout_in_ms={round(1000 * options.timeout)}",
            f"--model_config_file={models}",
            f"--file_system_poll_wait_seconds={max(1, round(options.poll_seconds))}",
            "--allow_version_labels_for_unavailable_models=true",
            "--enable_grpc_healthcheck_service=true",
        ]
        if options.enable_batching:
            command.append("--enable_batching=true")
            if (folder / "batching.config").exists():
                command.append(f"--batching_parameters_file={folder / 'batching.config'}")
        if (folder / "monitoring.config").exists():
            command.append(f"--monitoring_config_file={folder / 'monitoring.config'}")
        yield command


def free_port():
    """A port that nobody listens at just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(binary, options):
    """Runs a real server until it ends or is told to by SIGTERM or SIGINT; returns its exit status.

    Raises:
      UserError: it ends before it is ready.
    """
    options = dataclasses.replace(
        options,
        grpc_port=options.grpc_port or free_port(),
        rest_port=options.rest_port or free_port(),
    )
    with command_line(binary, options) as command:
        process = subprocess.Popen(command)
        old = {number: signal.signal(number, lambda *_: process.terminate()) for number in SIGNALS}
        try:
            _wait_until_ready(process, options)
            status = process.wait()
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)
    return 0 if status == -signal.SIGTERM else status


def _wait_until_ready(process, options):
    """Prints where the server listens once all its models are ready."""
    names = [model.name for model in config.read_models(options.models).model_config_list.config]
    client = Client(f"http://127.0.0.1:{options.rest_port}", timeout=5)
    for name in names:
        while True:
            if process.poll() is not None:
                raise UserError(
                    f"{process.args[0]} ended with status {process.returncode}; what it printed says why."
                )
            with contextlib.suppress(ServingError):
                client.wait_until_ready(name, 1)
                break
    print(
        f"toulon serve: {process.args[0]}, gRPC port {options.grpc_port}, REST port {options.rest_port} on every "
        f"address of this machine, models: {', '.join(names)}",
        flush=True,
    )
