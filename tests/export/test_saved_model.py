import pytest
import tensorflow as tf
import tensorflow_compression as tfc

from zoo.errors import UserError
from zoo.export import saved_model, serving_files, tflite


@pytest.fixture
def double():
    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])
    def double(x):
        return {"y": 2 * x}

    return double


def test_signatures_are_described_and_saved(tmp_path, double):
    assert saved_model.describe(double) == {
        "inputs": {"x": "float32 [?, 2]"},
        "outputs": {"y": "float32 [?, 2]"},
    }
    saved_model.save_signatures(tmp_path / "m", {"double": double}, "double")
    signatures = tf.saved_model.load(str(tmp_path / "m")).signatures
    assert set(signatures) == {"double", "serving_default"}
    assert signatures["serving_default"](x=tf.ones([1, 2]))["y"].numpy().tolist() == [[2, 2]]
    assert "Mul" in saved_model.ops(tmp_path / "m")
    assert saved_model.foreign_ops(tmp_path / "m") == []


@pytest.mark.parametrize("nested", [False, True])
def test_ops_of_the_compression_library_are_refused(tmp_path, nested):
    coder = tfc.ContinuousBatchedEntropyModel(
        prior_shape=(1,), coding_rank=2, compression=True, stateless=True, cdf=[-4, 0, 8, 12, 16],
        cdf_offset=[0], offset_heuristic=False, bottleneck_dtype=tf.float32,
    )  # fmt: skip

    @tf.function(input_signature=[tf.TensorSpec([None, None, 1], tf.float32, "x")])
    def compress(x):
        if nested:
            return {"s": tf.map_fn(coder.compress, x, fn_output_signature=tf.string)}
        return {"s": coder.compress(x)}

    with pytest.raises(ValueError, match="CreateRangeEncoder"):
        saved_model.save_signatures(tmp_path / "m", {"compress": compress}, "compress")


def test_what_tflite_has_no_op_for_is_refused(tmp_path):
    @tf.function(input_signature=[tf.TensorSpec([4, 4], tf.complex64, "x")])
    def spectrum(x):
        return {"y": tf.signal.ifft2d(x)}

    with pytest.raises(Exception, match=r"(?i)ifft2d"):
        tflite.convert(tmp_path / "m.tflite", {"spectrum": spectrum})
    assert not (tmp_path / "m.tflite").exists()


def test_versions_appear_whole_or_not_at_all(tmp_path):
    with saved_model.new_version(tmp_path / "m") as directory:
        (directory / "file").touch()
        assert not [d for d in (tmp_path / "m").iterdir() if d.name.isdigit()]
    with saved_model.new_version(tmp_path / "m") as directory:
        (directory / "other").touch()
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == [
        "m/1/file",
        "m/2/other",
    ]


def test_an_export_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"), saved_model.new_version(tmp_path / "file"):
        pass


def test_server_configs_name_every_export_and_parse(tmp_path):
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    for name in ("b", "a"):
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "1" / "saved_model.pb").touch()
    serving_files.write_server_configs(tmp_path)
    config = text_format.Parse(
        (tmp_path / "models.config").read_text(), model_server_config_pb2.ModelServerConfig()
    )
    found = [(c.name, c.base_path, c.model_platform) for c in config.model_config_list.config]
    assert found == [("a", "/models/a", "tensorflow"), ("b", "/models/b", "tensorflow")]
    assert "allowed_batch_sizes: 8" in (tmp_path / "batching.config").read_text()
    assert "prometheus" in (tmp_path / "monitoring.config").read_text()
