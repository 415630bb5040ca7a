"""Versions: which are served, how new ones come and old ones go, and that nothing half-written is ever served."""

import asyncio
import pathlib
import shutil
import subprocess
import sys
import time

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import (
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    prediction_log_pb2,
)
from tensorflow_serving.config import file_system_storage_path_source_pb2, model_server_config_pb2

from tests.serving.conftest import install
from zoo.serving.client import Client
from zoo.serving.models import ModelManager, wanted_versions
from zoo.serving.status import RequestError, ServingError

X = [[1.0, 2.0]]


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


@pytest.fixture
def start(serve):
    """Starts an embedded server: (**options) -> (Client, Server)."""

    def begin(**options):
        server = serve(**options)
        return Client(f"http://127.0.0.1:{server.rest_port}"), server

    return begin


def factor(client):
    return client.predict("small", "", {"x": X})["y"][0, 0]


def state(client, version):
    return client.status("small").get(version, ("", ""))


def test_a_new_version_takes_over_and_an_old_one_comes_back(start, saved_models, tmp_path):
    client, _ = start()
    assert factor(client) == 2
    install(saved_models[1], tmp_path / "models", 2)
    wait_for(lambda: state(client, 1)[0] == "END")
    assert factor(client) == 3
    with pytest.raises(ServingError, match=r"Specific\(small, 1\)"):
        client.predict("small", "", {"x": X}, version=1)
    shutil.rmtree(tmp_path / "models" / "small" / "2")
    wait_for(lambda: state(client, 2)[0] == "END")
    assert factor(client) == 2


def test_no_request_fails_while_versions_change(start, saved_models, tmp_path, in_background):
    client, _ = start()
    done = []

    def ask():
        answers = []
        while not done:
            answers.append(factor(client))
        return answers

    asking = [in_background(ask) for _ in range(3)]
    install(saved_models[1], tmp_path / "models", 2)
    wait_for(lambda: state(client, 1)[0] == "END")
    done.append(True)
    for answers in (future.result() for future in asking):
        assert set(answers) <= {2.0, 3.0}
        assert answers == sorted(answers)  # never back to the old one


def test_an_old_version_ends_when_its_requests_have(start, saved_models, tmp_path, in_background):
    client, server = start()
    slow = in_background(client.predict, "small", "spin", {"turns": [20000]})
    wait_for(lambda: server.models.versions["small"][1].users == 1)
    install(saved_models[1], tmp_path / "models", 2)
    wait_for(lambda: state(client, 2)[0] == "AVAILABLE")
    assert slow.result()["turned"].tolist() == [20000]
    wait_for(lambda: state(client, 1)[0] == "END")


def test_a_half_written_version_is_not_served(start, saved_models, tmp_path):
    client, _ = start()
    source, target = saved_models[1], tmp_path / "models" / "small" / "2"
    files = [path.relative_to(source) for path in sorted(source.rglob("*")) if path.is_file()]
    graph = (source / "saved_model.pb").read_bytes()
    target.mkdir()
    (target / "saved_model.pb").write_bytes(graph[: len(graph) // 2])
    wait_for(lambda: state(client, 2)[0] == "END")
    assert state(client, 2)[1]  # says why
    assert factor(client) == 2
    (target / "saved_model.pb").write_bytes(graph)
    (target / "variables").mkdir()
    for path in files:
        data = (source / path).read_bytes()
        (target / path).write_bytes(data[: len(data) // 2] if "data" in path.name else data)
    time.sleep(0.3)
    assert factor(client) == 2
    for path in files:
        shutil.copy(source / path, target / path)
    wait_for(lambda: state(client, 2) == ("AVAILABLE", ""))
    assert factor(client) == 3


WRITE_SLOWLY = """
import pathlib, sys, time
source, target = map(pathlib.Path, sys.argv[1:])
for path in ["saved_model.pb", "fingerprint.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]:
    data = (source / path).read_bytes()
    (target / path).parent.mkdir(parents=True, exist_ok=True)
    with open(target / path, "wb", buffering=0) as file:
        for start in range(0, len(data), 1 + len(data) // 8):
            file.write(data[start : start + 1 + len(data) // 8])
            time.sleep(0.02)
            if "data" in path:
                print("half", flush=True)
                time.sleep(60)
"""


def test_a_writer_that_is_killed(start, saved_models, tmp_path):
    client, _ = start()
    target = tmp_path / "models" / "small" / "2"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITE_SLOWLY, saved_models[1], target], stdout=subprocess.PIPE
    )
    assert writer.stdout.readline() == b"half\n"
    writer.kill()
    writer.wait()
    wait_for(lambda: state(client, 2)[0] == "END")
    assert factor(client) == 2
    install(saved_models[1], tmp_path / "models", 3)  # whoever comes next is served
    wait_for(lambda: state(client, 3)[0] == "AVAILABLE")
    assert factor(client) == 3


@pytest.mark.parametrize("name", ["02x", "02", "new", ".partial", "-3", "²", "٣"])
def test_folders_that_are_no_versions(start, saved_models, tmp_path, name):
    shutil.copytree(saved_models[1], tmp_path / "models" / "small" / name)
    install(saved_models[0], tmp_path / "models", 1)
    client, server = start()
    assert set(server.models.versions["small"]) == {1}
    assert factor(client) == 2


def write_warmup(directory, signature, inputs):
    from zoo.export.serving_files import write_warmup

    write_warmup(directory, "small", [(signature, inputs)])


def test_warm_up_is_run(start, saved_models, tmp_path):
    client, _ = start()
    good, bad = tmp_path / "good", tmp_path / "bad"
    for directory, width in ((good, 2), (bad, 7)):
        shutil.copytree(saved_models[1], directory)
        write_warmup(directory, "", {"x": np.ones([1, width], np.float32)})
    install(bad, tmp_path / "models", 2)
    wait_for(lambda: state(client, 2)[0] == "END")
    assert "[1, 7]" in state(client, 2)[1]
    assert factor(client) == 2
    install(good, tmp_path / "models", 3)
    wait_for(lambda: state(client, 3)[0] == "AVAILABLE")


def test_warm_up_of_other_kinds_is_left_out(start, saved_models, tmp_path):
    import tensorflow as tf

    directory = tmp_path / "other"
    shutil.copytree(saved_models[1], directory)
    (directory / "assets.extra").mkdir()
    log = prediction_log_pb2.PredictionLog(classify_log=prediction_log_pb2.ClassifyLog())
    with tf.io.TFRecordWriter(str(directory / "assets.extra" / "tf_serving_warmup_requests")) as writer:
        writer.write(log.SerializeToString())
    install(directory, tmp_path / "models", 1)
    assert factor(start()[0]) == 3


Policy = file_system_storage_path_source_pb2.FileSystemStoragePathSourceConfig.ServableVersionPolicy


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({}, {10}),
        ({"latest": Policy.Latest(num_versions=2)}, {9, 10}),
        ({"latest": Policy.Latest()}, {10}),
        ({"all": Policy.All()}, {1, 9, 10}),
        ({"specific": Policy.Specific(versions=[1, 7])}, {1}),
    ],
)
def test_policies(choice, expected):
    assert wanted_versions(Policy(**choice), [9, 10, 1]) == expected
    assert wanted_versions(Policy(**choice), []) == set()


def config_of(*models, label=None):
    config = model_server_config_pb2.ModelServerConfig()
    for name, path in models:
        model = config.model_config_list.config.add(
            name=name, base_path=str(path), model_platform="tensorflow"
        )
        if label:
            model.version_labels[label] = 1
    return config


@pytest.fixture
def reload(start):
    """A server and its reload: (Client, (config) -> response)."""
    client, server = start()
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)

        def ask(config):
            return stub.HandleReloadConfigRequest(model_management_pb2.ReloadConfigRequest(config=config))

        yield client, ask


def test_reloading_the_configuration(reload, saved_models, tmp_path):
    client, ask = reload
    install(saved_models[1], tmp_path / "models", 1, "other")
    small, other = tmp_path / "models" / "small", tmp_path / "models" / "other"
    assert ask(config_of(("small", small), ("other", other), label="best")).status.error_code == 0
    assert client.predict("other", "", {"x": X}, label="best")["y"][0, 0] == 3
    ask(config_of(("other", other)))
    with pytest.raises(ServingError, match=r"Latest\(small\)"):
        factor(client)
    assert client.predict("other", "", {"x": X})["y"][0, 0] == 3


@pytest.mark.parametrize(
    ("models", "code", "text"),
    [
        ([("a", "relative")], "INVALID_ARGUMENT", "absolute path"),
        ([("a", "/x"), ("a", "/y")], "INVALID_ARGUMENT", "more than once"),
        ([("", "/x")], "INVALID_ARGUMENT", "no name"),
        ([("a", "/nowhere")], "UNKNOWN", "Some models did not become available: {a}"),
    ],
)
def test_configurations_that_are_wrong(reload, models, code, text):
    client, ask = reload
    with pytest.raises(grpc.RpcError) as caught:
        ask(config_of(*models))
    assert (caught.value.code().name, text in caught.value.details()) == (code, True)
    if code == "INVALID_ARGUMENT":
        assert factor(client) == 2


class Loads:
    """Loads nothing, as often as it should fail."""

    def __init__(self, failures=0, during=lambda: None):
        self.failures, self.during, self.count = failures, during, 0

    def __call__(self, name, version, directory):
        self.count += 1
        self.during()
        if self.count <= self.failures:
            raise ValueError("broken\nin two lines")
        return pathlib.Path(directory).name


@pytest.fixture
def version_folder(tmp_path):
    (tmp_path / "m" / "1").mkdir(parents=True)
    (tmp_path / "m" / "1" / "saved_model.pb").write_bytes(b"graph")
    return tmp_path / "m" / "1"


def refresh(loads, folder, times, between=lambda: None, **options):
    """The state of version 1 after so many looks."""

    async def go():
        manager = ModelManager(loads, **options)
        manager.configs = {"m": config_of(("m", folder.parent)).model_config_list.config[0]}
        for _ in range(times):
            await manager.refresh()
            between()
        manager.close()
        return manager.versions["m"][1]

    return asyncio.run(go())


def test_loading_is_retried_so_often(version_folder):
    loads = Loads(failures=99)
    version = refresh(loads, version_folder, 10, retries=3, retry_seconds=0)
    assert loads.count == 4
    assert (version.state, version.error) == ("END", "ValueError: broken")
    assert refresh(Loads(failures=3), version_folder, 10, retries=3, retry_seconds=0).state == "AVAILABLE"


def test_loading_is_not_retried_at_once(version_folder):
    loads = Loads(failures=99)
    refresh(loads, version_folder, 10, retry_seconds=60)
    assert loads.count == 1


def test_changed_files_are_tried_at_once(version_folder):
    loads = Loads(failures=2)

    def change():
        (version_folder / "saved_model.pb").write_bytes(b"graph" * (2 + loads.count))

    version = refresh(loads, version_folder, 4, change, retries=0, retry_seconds=60)
    assert loads.count == 3
    assert (version.state, version.servable) == ("AVAILABLE", "1")


def test_files_that_change_while_they_are_loaded(version_folder):
    loads = Loads()
    loads.during = lambda: loads.count < 3 and (version_folder / "data").write_bytes(bytes(loads.count))
    version = refresh(loads, version_folder, 2)
    assert "changed while" in version.error
    assert refresh(Loads(), version_folder, 1).state == "AVAILABLE"


def test_a_version_in_use_is_kept_until_it_is_not(version_folder):
    async def go():
        manager = ModelManager(Loads())
        await manager.reload(config_of(("m", version_folder.parent)))
        version = manager.versions["m"][1]
        spec = model_pb2.ModelSpec(name="m")
        with manager.use(spec) as servable, manager.use(spec):
            await manager.reload(config_of())
            assert (version.state, version.servable) == ("UNLOADING", servable)
            with pytest.raises(RequestError, match="not found"), manager.use(spec):
                pass
        assert (version.state, version.servable) == ("END", None)
        manager.close()

    asyncio.run(go())


def test_a_model_without_versions(tmp_path):
    async def go():
        manager = ModelManager(Loads())
        await manager.reload(config_of(("m", tmp_path / "none")))
        with pytest.raises(RequestError, match=r"Latest\(m\)"), manager.use(model_pb2.ModelSpec(name="m")):
            pass
        manager.close()

    asyncio.run(go())
