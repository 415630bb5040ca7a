"""What the tests share: small pictures and one tiny model of each paper, made once."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = pathlib.Path(__file__).resolve().parent.parent


def pytest_addoption(parser):
    parser.addoption("--remake-expected", action="store_true", help="write tests/expected/*.json anew")


@pytest.fixture(scope="session")
def photograph():
    """A shipped photograph, [128, 192, 3] uint8."""
    from zoo.images.files import read_rgb

    return read_rgb(str(ROOT / "zoo/data/samples/kodak/kodim23.png"))[128:256, 96:288]


@pytest.fixture(scope="session")
def tiny_codec():
    """A codec of 8 filters with random variables, spread so that its latents are not all zero."""
    import tensorflow as tf

    import zoo

    tf.keras.utils.set_random_seed(3)
    model = zoo.create("bls2017", num_filters=8, input_scale=40.0)
    model.make_tables()
    return model


@pytest.fixture(scope="session")
def tiny_export(tiny_codec, tmp_path_factory):
    """The export of `tiny_codec`: its version's directory."""
    from zoo.codec.export import export_codec

    return export_codec(tiny_codec, tmp_path_factory.mktemp("exported") / "tiny-codec", [{"steps": 0}])


@pytest.fixture(scope="session")
def tiny_variable_codec():
    """A codec for all rates of 4 filters and 6 latent channels with random variables."""
    import tensorflow as tf

    import zoo

    tf.keras.utils.set_random_seed(3)
    model = zoo.create(
        "bls2017-vr", num_filters=4, latent_channels=6, levels=4, rate_distortion_weight=(0.001, 0.064),
        input_scale=60.0,
    )  # fmt: skip
    model.make_tables()
    return model


@pytest.fixture(scope="session")
def tiny_variable_export(tiny_variable_codec, tmp_path_factory):
    """The export of `tiny_variable_codec`: its version's directory."""
    from zoo.codec.export import export_codec

    root = tmp_path_factory.mktemp("exported-vr") / "tiny-vr"
    return export_codec(tiny_variable_codec, root, [{"steps": 0}])


@pytest.fixture(scope="session")
def tiny_superres():
    """A network of 8 filters for factor 4 with random variables, whose results differ from interpolation's a little."""
    import tensorflow as tf

    import zoo

    tf.keras.utils.set_random_seed(3)
    model = zoo.create("affmse", num_filters=8, num_blocks=1)
    for variable in model.network.last.trainable_variables:
        variable.assign(0.05 * tf.random.normal(variable.shape))
    return model


@pytest.fixture(scope="session")
def tiny_superres_export(tiny_superres, tmp_path_factory):
    """The export of `tiny_superres`: its version's directory."""
    from zoo.superres.export import export_superres

    root = tmp_path_factory.mktemp("exported-sr") / "tiny-superres"
    return export_superres(tiny_superres, root, [{"steps": 0}])


@pytest.fixture
def noise():
    """A fixed source of random numbers."""
    return np.random.default_rng(0)


@pytest.fixture
def run_python():
    """Runs Python on the project in a fresh process: (arguments, **environment) -> CompletedProcess."""

    def run(*arguments, timeout=300, **environment):
        return subprocess.run(
            [sys.executable, *map(str, arguments)], capture_output=True, text=True, timeout=timeout, cwd=ROOT,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | environment,
        )  # fmt: skip

    return run


@pytest.fixture
def toulon(capsys):
    """Runs a command: (words) -> (status, printed, complained)."""

    from zoo.cli import main

    def run(*words):
        try:
            status = main([str(word) for word in words])
        except SystemExit as stop:  # of argparse
            status = stop.code
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run
