import dataclasses
import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import zoo
from tests import battery
from zoo.errors import UserError
from zoo.images.limits import MAX_PIXELS
from zoo.superres import upscale
from zoo.superres.export import export_superres


@pytest.fixture(scope="module")
def signatures(tiny_superres_export):
    return zoo.load_export(tiny_superres_export)


@pytest.fixture(scope="module")
def picture():
    """A photograph's part with saturated edges, [37, 50, 3] uint8."""
    image = np.asarray(Image.open(zoo.__path__[0] + "/data/samples/kodak/kodim05.png"))[200:237, 300:350]
    return np.clip(image.astype(int) * 2 - 128, 0, 255).astype(np.uint8)


def test_battery(tiny_superres_export, run_python):
    battery.check_export(tiny_superres_export, run_python)


def test_signatures_are_the_model(tiny_superres, signatures, picture):
    small = tf.constant(picture[np.newaxis], tf.float32) / 255
    large = signatures["upscale_float"](image=small)["image"]
    np.testing.assert_allclose(large, tiny_superres(small), atol=2e-6)
    assert np.abs(signatures["downsample"](image=large)["image"] - small).max() <= 1e-6
    whole = signatures["upscale"](image=tf.constant(picture[np.newaxis]))["image"]
    assert whole.dtype == tf.uint8
    # Clipping and projecting in turn keeps nearer to the input than clipping alone.
    clipped = tf.round(255 * tf.clip_by_value(large, 0, 1)) / 255
    errors = [
        float(tf.reduce_mean((tiny_superres.downsample(x) - small) ** 2))
        for x in (tf.cast(whole, tf.float32) / 255, clipped)
    ]
    assert errors[0] < 0.3 * errors[1]


@pytest.mark.parametrize("size", [(1, 1), (4, 4), (33, 58)])
def test_the_saved_model_keeps_to_its_input(signatures, noise, size):
    small = tf.constant(noise.random([2, *size, 3], np.float32))
    large = signatures["upscale_float"](image=small)["image"]
    assert np.abs(signatures["downsample"](image=large)["image"] - small).max() <= 1e-6


def test_strips_are_projected_as_the_whole_bit_for_bit(tiny_superres_export, noise, monkeypatch):
    upscaler = upscale.Upscaler(tiny_superres_export)
    small, large = noise.random([37, 50, 3], np.float32), noise.random([148, 200, 3], np.float32)
    whole = upscaler._project(large.copy(), small, 1.0)
    for strip in (7, 16):
        monkeypatch.setattr(upscale, "STRIP", strip)
        np.testing.assert_array_equal(upscaler._project(large.copy(), small, 1.0), whole)


@pytest.mark.slow
def test_another_kernel_and_grey_pictures(tmp_path, run_python, noise):
    model = zoo.create("affmse", num_filters=4, num_blocks=1, kernel="gaussian", channels=1)
    directory = export_superres(model, tmp_path / "exported" / "grey")
    worst = zoo.registry.read_card(directory)["largest_inconsistency_in_levels"]["model.tflite"]
    assert worst < 255e-6
    colour = noise.integers(0, 256, [9, 8, 3], np.uint8)
    data = io.BytesIO()
    Image.fromarray(colour).save(data, "PNG")
    loaded = zoo.load_export(directory)
    encoded = loaded["upscale_bytes"](image_bytes=tf.constant([data.getvalue()]))["image_bytes"][0]
    luma = np.asarray(Image.fromarray(colour).convert("L"))[np.newaxis, ..., np.newaxis]
    expected = loaded["upscale"](image=tf.constant(luma))["image"][0].numpy().astype(int)
    assert np.mean(np.abs(tf.io.decode_png(encoded) - expected) > 2) < 0.02  # luma at .5 rounds either way
    with pytest.raises(UserError, match="is for grey pictures"):
        upscale.Upscaler(directory)


def test_encoded_pictures(signatures, picture):
    def png(image):
        data = io.BytesIO()
        Image.fromarray(image).save(data, "PNG")
        return data.getvalue()

    grey = picture[:20, :30, 0]
    files = signatures["upscale_bytes"](image_bytes=tf.constant([png(picture), png(grey)]))[
        "image_bytes"
    ].numpy()
    colour, brightness = (Image.open(io.BytesIO(data)) for data in files)
    expected = signatures["upscale"](image=tf.constant(picture[np.newaxis]))["image"][0]
    np.testing.assert_array_equal(np.asarray(colour), expected)
    assert (brightness.mode, brightness.size) == ("L", (120, 80))
    with pytest.raises(tf.errors.InvalidArgumentError, match="neither PNG nor JPEG"):
        signatures["upscale_bytes"](image_bytes=tf.constant([b"no picture"]))
    side = int(MAX_PIXELS**0.5) // 4 + 8
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most"):
        signatures["upscale"](image=tf.zeros([1, side, side, 3], tf.uint8))


def test_tiles_are_the_whole(tiny_superres_export, signatures, picture, monkeypatch):
    upscaler = upscale.Upscaler(tiny_superres_export)
    whole = upscaler(picture)
    expected = signatures["upscale"](image=tf.constant(picture[np.newaxis]))["image"][0].numpy()
    assert np.mean(whole.pixels != expected) < 1e-3  # a value at .5 may round the other way
    monkeypatch.setattr(upscale, "TILE", 16)
    monkeypatch.setattr(upscale, "STRIP", 7)
    assert upscaler.count_tiles(37, 50) > 6
    seen = []
    tiled = upscaler(picture, after_tile=lambda: seen.append(1))
    assert len(seen) == upscaler.count_tiles(37, 50)
    assert np.mean(whole.pixels != tiled.pixels) < 1e-3
    assert tiled.worst == pytest.approx(whole.worst, abs=0.1)


def test_whatever_size_and_depth(tiny_superres_export, picture, tiny_superres):
    upscaler = upscale.Upscaler(tiny_superres_export)
    for part in (picture[:1, :1], picture[:1], picture[:, :1], picture[:3, :2]):
        assert upscaler(part).pixels.shape == (4 * part.shape[0], 4 * part.shape[1], 3)
    picture = picture // 4 + 96
    deep = upscaler(picture.astype(np.uint16) * 257)
    assert deep.pixels.dtype == np.uint16
    assert deep.rms < 0.5 * upscaler(picture).rms  # 16 bits round less
    error = tiny_superres.downsample(deep.pixels[np.newaxis].astype(np.float32) / 65535) - picture / 255
    assert deep.worst == pytest.approx(255 * np.abs(error).max(), rel=1e-3)
    with pytest.raises(UserError, match="megapixels"):
        upscaler(np.zeros([8, 10**7, 3], np.uint8))


def test_strength(tiny_superres, tiny_superres_export, picture):
    upscaler = upscale.Upscaler(tiny_superres_export)
    small = picture[np.newaxis].astype(np.float32) / 255
    for strength in (0.0, 0.5):
        expected = np.round(255 * np.clip(tiny_superres(small, strength=strength)[0], 0, 1))
        assert np.mean(np.abs(upscaler(picture, strength).pixels - expected) > 0) < 1e-3


@pytest.mark.slow
def test_a_stochastic_export(tmp_path, run_python, picture, toulon):
    model = zoo.create("affmse", num_filters=8, num_blocks=1, noise_channels=2)
    for variable in model.network.last.trainable_variables:
        variable.assign(0.05 * tf.random.stateless_normal(variable.shape, [1, 1]))
    directory = export_superres(model, tmp_path / "stochastic", [{"steps": 0}])
    battery.check_export(directory, run_python)
    upscaler = upscale.Upscaler(directory)
    one, other = (upscaler(picture, seed=seed).pixels for seed in (1, 2))
    assert np.mean(one != other) > 0.1
    inputs = {"image": tf.constant(picture[np.newaxis]), "seed": tf.constant([2])}
    served = zoo.load_export(directory)["upscale"](**inputs)["image"][0].numpy()
    assert np.mean(np.abs(served.astype(int) - other) > 0) < 1e-3
    small = tf.constant(picture[np.newaxis], tf.float32) / 255
    of_model = model.sample(small, 2, seed=1)
    for i in range(2):
        inputs = {"image": small, "seed": tf.constant([1 + i])}
        np.testing.assert_allclose(
            zoo.load_export(directory)["upscale_float"](**inputs)["image"], of_model[i], atol=1e-5
        )
    Image.fromarray(picture).save(tmp_path / "in.png")
    words = ["upscale", tmp_path / "in.png", tmp_path / "out.png", "--model", directory]
    status, out, err = toulon(*words, "--samples", 2, "--seed", 1)
    assert (status, err) == (0, "")
    assert out.count("off by") == 2
    for number, expected in ((1, one), (2, other)):
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / f"out-{number}.png")), expected)
    assert not (tmp_path / "out.png").exists()
    status, _, err = toulon(*words, "--samples", 3)
    assert status == 1
    assert "out-1.png is there already" in err
    assert toulon(*words, "--seed", 2)[0] == 0  # one result, of the seed told, as from the server
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out.png")), other)


def test_loaded_again_it_is_the_same(tiny_superres, tiny_superres_export, picture):
    again = zoo.load(tiny_superres_export)
    assert dataclasses.asdict(again.config) == dataclasses.asdict(tiny_superres.config)
    small = picture[np.newaxis].astype(np.float32) / 255
    np.testing.assert_array_equal(again(small), tiny_superres(small))


def test_a_codec_does_not_enlarge():
    with pytest.raises(UserError, match="bls2017-mse-0.01 does not enlarge"):
        upscale.Upscaler("bls2017-mse-0.01")
