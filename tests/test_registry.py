import dataclasses
import pathlib

import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo import registry
from zoo.codec.config import BLS2017Config
from zoo.errors import UserError


def test_wildcards_match_names_and_papers():
    assert "bls2017" in zoo.list_models()
    assert zoo.list_models("*codec*") == zoo.list_models("bls2017*")
    assert zoo.list_models("bls2017") == ["bls2017"]
    assert zoo.list_models("nothing*") == []


def test_the_config_has_the_papers_values():
    config = registry.find("bls2017").make_config()
    assert (config.num_filters, config.gdn_alpha, config.gdn_epsilon) == (192, 2, 0.5)
    assert config.bottleneck_gdn
    assert registry.find("bls2017-mse-0.01").make_config().num_filters == 128


def test_configs_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        BLS2017Config().num_filters = 3


@pytest.mark.parametrize("name", [e.name for e in registry.ENTRIES])
def test_every_entry_resolves(name):
    entry = registry.find(name)
    assert callable(registry.resolve(entry.factory))
    assert callable(registry.resolve(entry.exporter))
    assert dataclasses.is_dataclass(entry.make_config())


def test_unknown_names_say_which_there_are():
    with pytest.raises(UserError, match=r"'bls2018'.*bls2017"):
        zoo.create("bls2018")
    with pytest.raises(UserError, match=r"'filters'.*num_filters"):
        zoo.create("bls2017", filters=3)


def test_load_restores_every_variable(tiny_codec, tiny_export):
    loaded = zoo.load(str(tiny_export))
    assert loaded.config == tiny_codec.config
    for before, after in zip(tiny_codec.variables, loaded.variables, strict=True):
        np.testing.assert_array_equal(before, after)
    image = tf.random.stateless_uniform([1, 32, 48, 3], [1, 2])
    np.testing.assert_array_equal(tiny_codec(image), loaded(image))


def test_load_export_gives_signatures_that_outlive_the_loader(tiny_export):
    signatures = zoo.load_export(str(tiny_export.parent))
    assert set(signatures) >= {"serving_default", "analyze", "synthesize", "reconstruct"}
    assert signatures["reconstruct"](image=tf.zeros([1, 16, 16, 3], tf.uint8))["image"].shape == [
        1,
        16,
        16,
        3,
    ]


def test_missing_exports_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("TOULON_EXPORTED", str(tmp_path))
    with pytest.raises(UserError, match="which has none"):
        zoo.load_export("bls2017")
    (tmp_path / "a" / "1").mkdir(parents=True)
    (tmp_path / "a" / "1" / "saved_model.pb").touch()
    with pytest.raises(UserError, match="there are a"):
        registry.find_export("b")
    with pytest.raises(UserError, match="no card"):
        zoo.load("a")


def test_the_newest_version_counts_as_a_number(tmp_path):
    for version in ("2", "10", "9x"):
        (tmp_path / "m" / version).mkdir(parents=True)
        (tmp_path / "m" / version / "saved_model.pb").touch()
    assert registry.find_export(tmp_path / "m").name == "10"
    assert registry.find_export(tmp_path / "m" / "2").name == "2"
    assert isinstance(registry.find_export(tmp_path / "m"), pathlib.Path)
