"""What every model must pass, whatever its paper."""

import hashlib
import json

import numpy as np
import tensorflow as tf

from zoo import registry

BARE = """
import json, sys
import tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
assert not {"zoo", "tensorflow_compression"} & set(sys.modules)
out = {}
for name, function in loaded.signatures.items():
    specs = function.structured_input_signature[1]
    out[name] = {k: [s.dtype.name, s.shape.as_list()] for k, s in specs.items()}
main = loaded.signatures["serving_default"]
specs = main.structured_input_signature[1]
ones = {k: tf.ones([16 if n is None else n for n in s.shape], s.dtype) for k, s in specs.items()}
assert all(value.shape[0] == 16 for value in main(**ones).values())
print(json.dumps(out))
"""


def check_training(model, tmp_path):
    """A checkpoint of the model restores into itself bit by bit."""
    before = [v.numpy() for v in model.variables]
    prefix = tf.train.Checkpoint(model=model).write(str(tmp_path / "model"))
    for variable in model.trainable_variables:
        variable.assign(tf.zeros_like(variable))
    tf.train.Checkpoint(model=model).read(prefix).assert_existing_objects_matched()
    for variable, old in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, old)


def check_export(directory, run_python):
    """An export is whole, loads in a process that knows nothing of this project, and answers its warm-up."""
    card = json.loads((directory / "card.json").read_text())
    for name, facts in card["files"].items():
        data = (directory / name).read_bytes()
        assert len(data) == facts["bytes"], name
        assert hashlib.sha256(data).hexdigest() == facts["sha256"], name
    assert {str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file()} == {
        *card["files"],
        "card.json",
    }

    # -P: the project's folder is not on the path, so that nothing of it can be imported.
    done = run_python("-P", "-c", BARE, directory)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == {*card["signatures"], "serving_default"}
    for name, facts in card["signatures"].items():
        assert set(found[name]) == set(facts["inputs"])

    answer_warmup(directory)
    checks = {"codec": check_codec_lite, "superres": check_superres_lite, "gan": check_gan_lite}
    checks[registry.find(card["model"]).paper](directory)


def answer_warmup(directory):
    """The warm-up requests cover every signature and run."""
    from tensorflow_serving.apis import prediction_log_pb2

    signatures = tf.saved_model.load(str(directory)).signatures
    seen = set()
    for record in tf.data.TFRecordDataset(str(directory / "assets.extra" / "tf_serving_warmup_requests")):
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        name = request.model_spec.signature_name
        inputs = {key: tf.constant(tf.make_ndarray(value)) for key, value in request.inputs.items()}
        outputs = signatures[name](**inputs)
        assert all(value.shape[0] == 1 for value in outputs.values()), name
        seen.add(name)
    assert seen == set(signatures) - {"serving_default"}


def lite_runners(directory):
    """The entries of every `.tflite` of an export, known to hold built-in ops only: {(file, signature): runner}."""
    from ai_edge_litert.interpreter import Interpreter

    runners = {}
    for path in directory.glob("*.tflite"):
        interpreter = Interpreter(model_path=str(path))
        assert not any("Flex" in op["op_name"] for op in interpreter._get_ops_details())
        for name in interpreter.get_signature_list():
            runners[path.name, name] = interpreter.get_signature_runner(name)
    return runners


def check_superres_lite(directory):
    """Every `.tflite` agrees with the SavedModel at three sizes, and keeps to its input as the card says."""
    card = json.loads((directory / "card.json").read_text())
    signatures = tf.saved_model.load(str(directory)).signatures
    back, noise = signatures["downsample"], np.random.default_rng(1)
    for (file, name), run in lite_runners(directory).items():
        few = {"model.tflite": 1e-3, "model-float16.tflite": 0.05}.get(file, 0.5)
        for height, width in [(4, 4), (13, 24), (50, 35)]:
            image = noise.integers(0, 256, [1, height, width, 3], np.uint8)
            image = image if name == "upscale" else image.astype(np.float32) / 255
            extra = (
                {} if len(run.get_input_details()) == 1 else {"noise": np.zeros([1, height, width, 2], "f")}
            )
            large = run(image=image, **extra)["image"]
            assert large.dtype == image.dtype
            if name == "upscale" and not extra:
                expected = signatures["upscale"](image=tf.constant(image))["image"].numpy()
                assert np.mean(np.abs(large.astype(int) - expected) > 1) < few, file
            if name == "upscale_float":
                error = np.abs(back(image=tf.constant(large))["image"] - image).max()
                assert 255 * error < 4 * card["largest_inconsistency_in_levels"][file], file
                assert error <= 1e-6 or file != "model.tflite"


def check_gan_lite(directory):
    """Both entries of `model.tflite` agree with the SavedModel."""
    signatures = tf.saved_model.load(str(directory)).signatures
    size = signatures["generate"].structured_input_signature[1]["noise"].shape[1]
    noise = np.random.default_rng(2).standard_normal([3, size]).astype(np.float32)
    images = signatures["generate"](noise=tf.constant(noise))["image"]
    scores = signatures["critic_score"](image=images)["score"]
    runners = lite_runners(directory)
    assert set(runners) == {("model.tflite", "generate"), ("model.tflite", "critic_score")}
    found = runners["model.tflite", "generate"](noise=noise)["image"]
    assert np.abs(found.astype(int) - images.numpy()).max() <= 1
    found = runners["model.tflite", "critic_score"](image=images.numpy())["score"]
    np.testing.assert_allclose(found, scores, rtol=1e-3, atol=1e-4)


def check_codec_lite(directory):
    """Every `.tflite` agrees with the SavedModel on a picture of odd size."""
    signatures = tf.saved_model.load(str(directory)).signatures
    image = np.random.default_rng(0).integers(0, 256, [1, 50, 35, 3], np.uint8)
    names = signatures["analyze"].structured_input_signature[1]
    quality = {"quality": np.array([60], np.int32)} if "quality" in names else {}
    code = signatures["analyze"](image=tf.constant(image), **quality)
    reference = signatures["synthesize"](**code, **quality)["image"].numpy().astype(int)
    expected = code["latents"].numpy()
    for (file, name), run in lite_runners(directory).items():
        # Weights of half or quarter precision move latents and pixels; a latent at .5 rounds the other way.
        few, small, most = (0.1, 4, 1) if "int8" in file else (0.02, 1, 0.02)
        if name == "analyze":
            latents = run(image=image, **quality)["latents"]
            assert latents.dtype == expected.dtype
            assert np.mean(latents != expected) < few, file
        if name == "synthesize":
            pixels = run(latents=expected, **quality)["image"]
            error = np.abs(pixels[:, :50, :35].astype(int) - reference)
            assert np.mean(error) < small, file
            assert np.mean(error > 1) < most, file
        if name == "decompress":
            data = signatures["compress"](image=tf.constant(image), **quality)["file_bytes"].numpy()[0]
            result = run(file=np.frombuffer(data, np.uint8))
            assert result["ok"].tolist() == [True]
            assert np.mean(np.abs(result["image"].astype(int) - reference) > 1) < few
            assert not run(file=np.frombuffer(data[:-1], np.uint8))["ok"][0]
        if name == "compress":
            file = tf.constant([run(image=image, **quality)["file"].tobytes()])
            error = np.abs(signatures["decompress"](file_bytes=file)["image"].numpy().astype(int) - reference)
            assert np.mean(error > 1) < 0.1
