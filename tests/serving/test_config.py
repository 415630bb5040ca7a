"""TF Serving's configuration files, and the command line of a real server."""

import os
import pathlib

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from tests.conftest import ROOT
from zoo.errors import UserError
from zoo.export.serving_files import write_server_configs
from zoo.serving import config, find
from zoo.serving.options import Options


def write_model(folder, name="m", version="1"):
    (folder / name / version).mkdir(parents=True)
    (folder / name / version / "saved_model.pb").write_bytes(b"")


def entry(name="m", path="/models/m", platform="tensorflow", more=""):
    return f'config {{ name: "{name}" base_path: "{path}" model_platform: "{platform}" {more} }}'


def test_what_exports_write_is_read(tmp_path):
    write_model(tmp_path, "a")
    write_model(tmp_path, "b.c-1")
    write_server_configs(tmp_path)
    models = config.read_models(tmp_path).model_config_list.config
    assert [(m.name, m.base_path) for m in models] == [
        ("a", str(tmp_path / "a")),
        ("b.c-1", str(tmp_path / "b.c-1")),
    ]
    batching = config.read_batching(tmp_path / "batching.config")
    assert batching == config.Batching(8, 0.002, 64, 2, (1, 2, 4, 8))
    assert config.read_metrics_path(tmp_path / "monitoring.config") == "/monitoring/prometheus/metrics"


def test_the_shipped_files_are_read():
    names = [m.name for m in config.read_models(ROOT / "exported").model_config_list.config]
    assert "bls2017-vr" in names
    assert config.read_batching(ROOT / "exported" / "batching.config").max_batch_size >= 1


def test_a_folder_without_files(tmp_path):
    write_model(tmp_path, "b")
    write_model(tmp_path, "a", "12")
    (tmp_path / "notes").mkdir()
    assert [m.name for m in config.read_models(tmp_path).model_config_list.config] == ["a", "b"]
    assert config.read_batching(tmp_path / "batching.config") == config.Batching()
    assert config.Batching().max_batch_size == 1000  # TF Serving's
    assert config.read_metrics_path(tmp_path / "monitoring.config") == "/monitoring/prometheus/metrics"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("/models/m", "{folder}/m"),
        ("m", "{folder}/m"),
        ("x/y", "{folder}/x/y"),
        ("/elsewhere/m", "/elsewhere/m"),
    ],
)
def test_paths_become_absolute(tmp_path, monkeypatch, given, expected):
    (tmp_path / "models.config").write_text(f"model_config_list {{ {entry(path=given)} }}")
    monkeypatch.chdir(tmp_path.parent)
    model = config.read_models(os.path.relpath(tmp_path)).model_config_list.config[0]
    assert model.base_path == expected.format(folder=tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no models"),
        ("model_config_list {", "no configuration of TF Serving"),
        ("modelconfig {}", "no configuration of TF Serving"),
        ("\0", "no configuration of TF Serving"),
        (f"model_config_list {{ {entry()} {entry()} }}", "m is listed more than once"),
        (f"model_config_list {{ {entry(name='')} }}", "has no name"),
        (f"model_config_list {{ {entry(platform='torch')} }}", "model_platform 'torch'"),
    ],
)
def test_wrong_model_configurations(tmp_path, text, message):
    (tmp_path / "models.config").write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        config.read_models(tmp_path)
    assert "\n" not in str(caught.value)


def test_no_folder(tmp_path):
    with pytest.raises(UserError, match="is no folder of exports"):
        config.read_models(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_batch_size { value: 0 }", "max_batch_size is 0"),
        ("num_batch_threads { value: -1 }", "num_batch_threads is -1"),
        ("max_batch_size { value: 8 } allowed_batch_sizes: 4 allowed_batch_sizes: 2", "must increase"),
        ("max_batch_size { value: 8 } allowed_batch_sizes: 4", "end in max_batch_size, 8"),
        ("pad_variable_length_inputs: true", "leave it out"),
        ("max_batch: 3", "no configuration of TF Serving"),
    ],
)
def test_wrong_batching(tmp_path, text, message):
    (tmp_path / "batching.config").write_text(text)
    with pytest.raises(UserError, match=message):
        config.read_batching(tmp_path / "batching.config")


def test_wrong_monitoring(tmp_path):
    (tmp_path / "monitoring.config").write_text('prometheus_config { enable: true path: "metrics" }')
    with pytest.raises(UserError, match="must begin with /"):
        config.read_metrics_path(tmp_path / "monitoring.config")


def test_the_command_line_of_a_real_server(tmp_path):
    write_model(tmp_path)
    write_server_configs(tmp_path)
    options = Options(str(tmp_path), grpc_port=1, rest_port=2, enable_batching=True, timeout=1.5)
    with find.command_line("/bin/tensorflow_model_server", options) as (binary, *flags):
        flags = dict(flag.removeprefix("--").split("=", 1) for flag in flags)
        text = pathlib.Path(flags["model_config_file"]).read_text()
        models = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    assert binary == "/bin/tensorflow_model_server"
    assert models.model_config_list.config[0].base_path == str(tmp_path / "m")
    assert not os.path.exists(flags["model_config_file"])
    expected = {
        "port": "1", "rest_api_port": "2", "enable_batching": "true", "rest_api_timeout_in_ms": "1500",
        "batching_parameters_file": str(tmp_path / "batching.config"),
        "monitoring_config_file": str(tmp_path / "monitoring.config"),
    }  # fmt: skip
    assert expected.items() <= flags.items()


def test_a_real_server_is_found_on_the_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find.find_binary() is None
    (tmp_path / find.BINARY).write_text("#!/bin/sh\n")
    (tmp_path / find.BINARY).chmod(0o755)
    assert find.find_binary() == str(tmp_path / find.BINARY)
