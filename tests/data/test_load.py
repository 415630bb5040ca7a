import re

import pytest

import zoo.data
from zoo.errors import UserError

# Loads every kind but tfds:, then says which of the large packages that took.
LIGHT = """
import sys, numpy as np, zoo.data
np.savez("{0}/a.npz", np.zeros((2, 4, 4), np.uint8))
for source in ("folder:{1}", "npz:{0}/a.npz", "synthetic:noise", "sample:photos"):
    zoo.data.load(source)[0]
print([name for name in ("tensorflow", "tensorflow_datasets") if name in sys.modules])
"""


def test_needs_no_tensorflow(run_python, tmp_path):
    folder = "zoo/data/samples/kodak"
    result = run_python("-c", LIGHT.format(tmp_path, folder))
    assert result.stdout == "[]\n", result.stderr


@pytest.mark.parametrize("source", ["photos/*.png", "photos", "npy:a.npy", "folder:", "", ":x", "FOLDER:x"])
def test_unknown_kind_names_the_kinds(source):
    with pytest.raises(UserError, match=re.escape(repr(source)) + ".*folder:.*npz:.*idx:.*tfds:") as error:
        zoo.data.load(source)
    assert "\n" not in str(error.value)


def test_default_split_is_train():
    assert (
        zoo.data.load("synthetic:noise")[0]["label"] == zoo.data.load("synthetic:noise", "train")[0]["label"]
    )


def test_options_reach_the_kind(tmp_path):
    with pytest.raises(UserError, match=re.escape(str(tmp_path))):
        zoo.data.load("tfds:mnist", "train", data_dir=str(tmp_path))
