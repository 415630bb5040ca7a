"""The commands of BUILD.md's section on serving work as they are written."""

import os
import pathlib
import re
import subprocess

import numpy as np
import pytest

from tests.conftest import ROOT
from zoo.images.files import read_rgb


@pytest.mark.slow
def test_curl_examples(embedded, tmp_path):
    from zoo.serving.options import Options

    text = (ROOT / "BUILD.md").read_text()
    commands = re.search(r"<!-- curl -->\n```\n(.*?)```", text, re.DOTALL)[1]
    server = embedded.start(Options(str(ROOT / "exported"), grpc_port=0, rest_port=0))
    (tmp_path / "zoo").symlink_to(ROOT / "zoo")
    try:
        done = subprocess.run(
            ["bash", "-c", commands.replace("8501", str(server.rest_port))],
            cwd=tmp_path, capture_output=True, text=True, timeout=300, env=os.environ,
        )  # fmt: skip
    finally:
        embedded.stop(server)
    assert done.returncode == 0, done.stderr
    assert '"state": "AVAILABLE"' in done.stdout
    assert ':tensorflow:serving:request_count{model_name="bls2017-vr",status="OK"} 2.0' in done.stdout
    restored = read_rgb(str(tmp_path / "restored.png")).astype(int)
    original = read_rgb(str(pathlib.Path(ROOT) / "zoo/data/samples/kodak/kodim23.png"))
    assert np.mean((restored - original) ** 2) < 50
