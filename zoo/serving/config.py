"""TF Serving's configuration files: models.config, batching.config, monitoring.config."""

import dataclasses
import os
import pathlib

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)
from tensorflow_serving.config import model_server_config_pb2

from zoo.errors import UserError
from zoo.files import read_bytes

DEFAULT_METRICS_PATH = "/monitoring/prometheus/metrics"

# Two messages that the wheel of tensorflow-serving-api lacks: (field, its number, its type).
_BATCHING_PARAMETERS = [
    ("max_batch_size", 1, ".google.protobuf.Int64Value"),
    ("batch_timeout_micros", 2, ".google.protobuf.Int64Value"),
    ("max_enqueued_batches", 3, ".google.protobuf.Int64Value"),
    ("num_batch_threads", 4, ".google.protobuf.Int64Value"),
    ("thread_pool_name", 5, ".google.protobuf.StringValue"),
    ("allowed_batch_sizes", 6, "repeated int64"),
    ("pad_variable_length_inputs", 7, "bool"),
]
_MONITORING_CONFIG = [("prometheus_config", 1, ".tensorflow.serving.PrometheusConfig")]
_PROMETHEUS_CONFIG = [("enable", 1, "bool"), ("path", 2, "string")]


@dataclasses.dataclass(frozen=True)
class Batching:
    """How requests are merged; the defaults are TF Serving's.

    Attributes:
      max_batch_size: int, rows of a batch at most.
      timeout: float, seconds that a batch waits for more requests.
      max_enqueued_batches: int, batches of a signature that may wait for a thread.
      num_threads: int, batches that are computed at the same time.
      allowed_sizes: tuple of int, sizes that batches are padded to; empty for any.
    """

    max_batch_size: int = 1000
    timeout: float = 0.0
    max_enqueued_batches: int = 10
    num_threads: int = os.cpu_count()
    allowed_sizes: tuple = ()


def read_models(folder):
    """The models to serve from a folder of exports.

    Args:
      folder: holds models.config, with paths as in the serving image, where the folder is /models, or relative to the
        folder; without one, every model in it is served.

    Returns:
      A `ModelServerConfig` with absolute paths.

    Raises:
      UserError: there is nothing to serve, or models.config is wrong.
    """
    folder = pathlib.Path(folder).resolve()
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder of exports; give one with --models.")
    config = model_server_config_pb2.ModelServerConfig()
    path = folder / "models.config"
    if path.exists():
        _parse(path, config)
        for model in config.model_config_list.config:
            model.base_path = str(folder / model.base_path.removeprefix("/models/"))
    else:
        for name in sorted({p.parent.parent.name for p in folder.glob("*/[0-9]*/saved_model.pb")}):
            model = config.model_config_list.config.add(name=name, model_platform="tensorflow")
            model.base_path = str(folder / name)
    if not config.model_config_list.config:
        raise UserError(f"{folder} has no models: neither models.config nor NAME/VERSION/saved_model.pb.")
    problem = find_problem(config)
    if problem:
        raise UserError(f"{path}: {problem}.")
    return config


def find_problem(config):
    """What is wrong with a `ModelServerConfig`, str; None if nothing is."""
    names = [model.name for model in config.model_config_list.config]
    for model in config.model_config_list.config:
        if not model.name:
            return "a model has no name"
        if names.count(model.name) > 1:
            return f"{model.name} is listed more than once"
        if model.model_platform != "tensorflow":
            return f"{model.name} has model_platform {model.model_platform!r}; 'tensorflow' is expected"
        if not os.path.isabs(model.base_path):
            return f"Expected model {model.name} to have an absolute path; got base_path()={model.base_path}"
    return None


def read_batching(path):
    """Reads batching.config; the defaults where there is none."""
    path = pathlib.Path(path)
    if not path.exists():
        return Batching()
    parameters = _message("BatchingParameters")()
    _parse(path, parameters)
    names = ("max_batch_size", "max_enqueued_batches", "num_batch_threads")
    given = {name: getattr(parameters, name).value for name in names if parameters.HasField(name)}
    for name, value in given.items():
        if value < 1:
            raise UserError(f"{path}: {name} is {value}; 1 or more is expected.")
    if "num_batch_threads" in given:
        given["num_threads"] = given.pop("num_batch_threads")
    if parameters.pad_variable_length_inputs:
        raise UserError(
            f"{path}: the embedded server does not know pad_variable_length_inputs; leave it out."
        )
    batching = Batching(
        timeout=max(0, parameters.batch_timeout_micros.value) / 1e6,
        allowed_sizes=tuple(parameters.allowed_batch_sizes),
        **given,
    )
    sizes = batching.allowed_sizes
    if sizes and (list(sizes) != sorted(set(sizes)) or sizes[-1] != batching.max_batch_size):
        raise UserError(
            f"{path}: allowed_batch_sizes are {', '.join(map(str, sizes))}; they must increase and end in "
            f"max_batch_size, {batching.max_batch_size}."
        )
    return batching


def read_metrics_path(path):
    """Where monitoring.config wants the metrics: a path of URLs, None for nowhere; TF Serving's where there is no file."""
    config = _message("MonitoringConfig")()
    if not pathlib.Path(path).exists():
        return DEFAULT_METRICS_PATH
    _parse(pathlib.Path(path), config)
    if not config.prometheus_config.enable:
        return None
    metrics_path = config.prometheus_config.path or DEFAULT_METRICS_PATH
    if not metrics_path.startswith("/"):
        raise UserError(f"{path}: the path of the metrics is {metrics_path!r}; it must begin with /.")
    return metrics_path


def _parse(path, message):
    try:
        text_format.Parse(read_bytes(path).decode(), message)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no configuration of TF Serving: {error}.") from None


def _message(name):
    """The class of a message that is described above."""
    file = descriptor_pb2.FileDescriptorProto(
        name="zoo/serving/config.proto", package="tensorflow.serving", syntax="proto3"
    )
    file.dependency.append("google/protobuf/wrappers.proto")
    for message, fields in [
        ("BatchingParameters", _BATCHING_PARAMETERS),
        ("MonitoringConfig", _MONITORING_CONFIG),
        ("PrometheusConfig", _PROMETHEUS_CONFIG),
    ]:
        descriptor = file.message_type.add(name=message)
        for field, number, kind in fields:
            descriptor.field.append(_field(field, number, kind))
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tensorflow.serving.{name}"))


def _field(name, number, kind):
    field = descriptor_pb2.FieldDescriptorProto(name=name, number=number)
    repeated = kind.startswith("repeated ")
    field.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
    kind = kind.removeprefix("repeated ")
    if kind.startswith("."):
        field.type, field.type_name = field.TYPE_MESSAGE, kind
    else:
        field.type = field.Type.Value(f"TYPE_{kind.upper()}")
    return field
