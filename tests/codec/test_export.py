import io
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import zoo
from tests import battery
from zoo.codec.files import load_codec
from zoo.coding.container import HEADER_BYTES


@pytest.fixture(scope="module")
def signatures(tiny_export):
    return zoo.load_export(str(tiny_export))


def encoded(image, format="PNG", **options):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format, **options)
    return buffer.getvalue()


def decoded(data):
    return np.asarray(Image.open(io.BytesIO(data.numpy() if hasattr(data, "numpy") else data)))


def test_the_battery(tiny_codec, tiny_export, run_python, tmp_path):
    battery.check_training(tiny_codec, tmp_path)
    battery.check_export(tiny_export, run_python)


def test_the_battery_for_all_rates(tiny_variable_codec, tiny_variable_export, run_python, tmp_path):
    battery.check_training(tiny_variable_codec, tmp_path)
    battery.check_export(tiny_variable_export, run_python)


def test_a_quality_for_each_picture_of_a_request(tiny_variable_export, tiny_variable_codec, photograph):
    signatures = zoo.load_export(str(tiny_variable_export))
    images = tf.constant(np.stack([photograph[:50, :70]] * 2))
    both = signatures["reconstruct"](image=images, quality=tf.constant([5, 95]))
    codec = load_codec(str(tiny_variable_export))
    for i, quality in enumerate((5, 95)):
        one = signatures["reconstruct"](image=images[:1], quality=tf.constant([quality]))
        np.testing.assert_array_equal(one["image"][0], both["image"][i])
        data = codec.encode(images[0].numpy(), quality)
        np.testing.assert_array_equal(codec.decode(data), both["image"][i])
        bits = float(both["bits_per_pixel"][i]) * 50 * 70
        assert bits == pytest.approx(8 * (len(data) - HEADER_BYTES), rel=0.01, abs=8 * 40)
        expected = 255 * tiny_variable_codec(images[:1] / 255, quality=quality).numpy()
        assert np.mean(np.abs(one["image"] - expected) > 1) < 0.02
    png = tf.constant([encoded(photograph[:50, :70])] * 2)
    twin = signatures["reconstruct_bytes"](image_bytes=png, quality=tf.constant([5, 95]))
    for data, image in zip(twin["image_bytes"], both["image"], strict=True):
        np.testing.assert_array_equal(decoded(data), image)
    code = signatures["analyze"](image=images, quality=tf.constant([5, 95]))
    again = signatures["synthesize"](**code, quality=tf.constant([5, 95]))
    np.testing.assert_array_equal(again["image"], both["image"])


@pytest.mark.parametrize("quality", [0, 101, -5])
def test_wrong_qualities_raise_invalid_argument(tiny_variable_export, photograph, quality):
    signatures = zoo.load_export(str(tiny_variable_export))
    for name, image in (("analyze", photograph), ("reconstruct", photograph)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="quality"):
            signatures[name](image=tf.constant(image[None]), quality=tf.constant([quality]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="quality"):
        signatures["synthesize"](
            latents=tf.zeros([1, 1, 1, 6], tf.int32),
            size=tf.constant([[9, 9]]),
            quality=tf.constant([quality]),
        )


def test_bare_transforms(signatures, tiny_codec, photograph):
    image = tf.constant(photograph[None, :50, :70])
    coefficients = signatures["transform"](image=image)["coefficients"]
    latents = signatures["analyze"](image=image)["latents"]
    np.testing.assert_array_equal(np.round(coefficients), latents)
    pixels = signatures["inverse_transform"](coefficients=tf.cast(latents, tf.float32))["pixels"]
    expected = signatures["reconstruct"](image=image)["image"]
    np.testing.assert_array_equal(np.clip(np.round(pixels), 0, 255)[:, :50, :70], expected)


def test_reconstruct_is_synthesize_of_analyze(signatures, tiny_export, photograph):
    images = np.stack([photograph[:50, :70], photograph[20:70, 10:80]])
    code = signatures["analyze"](image=tf.constant(images))
    assert code["latents"].shape == [2, 4, 5, 8]
    np.testing.assert_array_equal(code["size"], [[50, 70]] * 2)
    whole = signatures["reconstruct"](image=tf.constant(images))
    np.testing.assert_array_equal(signatures["synthesize"](**code)["image"], whole["image"])
    codec = load_codec(str(tiny_export))
    for image, bpp, result in zip(images, whole["bits_per_pixel"], whole["image"], strict=True):
        data = codec.encode(image)
        assert float(bpp) * image[..., 0].size == pytest.approx(
            8 * (len(data) - HEADER_BYTES), rel=0.01, abs=8 * 40
        )
        np.testing.assert_array_equal(codec.decode(data), result)


def test_bytes_twins_do_the_same(signatures, photograph):
    image = photograph[:50, :70]
    png = tf.constant([encoded(image)])
    plain = signatures["reconstruct"](image=tf.constant(image[None]))
    twin = signatures["reconstruct_bytes"](image_bytes=png)
    np.testing.assert_array_equal(decoded(twin["image_bytes"][0]), plain["image"][0])
    np.testing.assert_allclose(twin["bits_per_pixel"], plain["bits_per_pixel"], rtol=1e-5)
    code = signatures["analyze_bytes"](image_bytes=png)
    np.testing.assert_array_equal(
        code["latents"], signatures["analyze"](image=tf.constant(image[None]))["latents"]
    )
    again = signatures["synthesize_bytes"](**code)
    np.testing.assert_array_equal(decoded(again["image_bytes"][0]), plain["image"][0])


def test_pictures_of_several_sizes_and_kinds_in_one_request(signatures, photograph):
    pictures = [photograph[:40, :30], photograph[:16, :16], photograph[:1, :1]]
    data = [encoded(pictures[0]), encoded(pictures[1], "JPEG", quality=95), encoded(pictures[2])]
    result = signatures["reconstruct_bytes"](image_bytes=tf.constant(data))
    assert [decoded(d).shape for d in result["image_bytes"]] == [p.shape for p in pictures]


def test_jpeg_is_read_as_pillow_reads_it(signatures, photograph):
    data = encoded(photograph, "JPEG", quality=80)
    expected = signatures["analyze"](image=tf.constant(decoded(data)[None]))["latents"]
    np.testing.assert_array_equal(
        signatures["analyze_bytes"](image_bytes=tf.constant([data]))["latents"], expected
    )


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "LA"])
def test_colour_types_become_rgb(signatures, photograph, mode):
    image = Image.fromarray(photograph[:32, :32]).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    expected = np.asarray(image.convert("RGBA").convert("RGB") if "A" in mode else image.convert("RGB"))
    result = signatures["analyze_bytes"](image_bytes=tf.constant([buffer.getvalue()]))
    np.testing.assert_array_equal(
        result["latents"], signatures["analyze"](image=tf.constant(expected[None]))["latents"]
    )


def png_claiming(width, height, depth=8):
    data = bytearray(encoded(np.zeros([4, 4, 3], np.uint8)))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[24] = depth
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "neither PNG nor JPEG"),
        (b"GIF89a something", "neither PNG nor JPEG"),
        (b"\x89PNG\r\n\x1a\n", "cut off"),
        (encoded(np.zeros([64, 64, 3], np.uint8))[:60], "(?i)png"),
        (b"\xff\xd8\xff\xe0 nothing", "(?i)jpeg"),
        (png_claiming(2**31 - 1, 2**31 - 1), "pixels are taken"),
        (png_claiming(2**16, 2**11), "pixels are taken"),
        (png_claiming(0, 5), "pixels are taken"),
        (png_claiming(4, 4, depth=16), "16"),
    ],
)
def test_wrong_bytes_raise_invalid_argument(signatures, data, message):
    for name in ("analyze_bytes", "reconstruct_bytes"):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            signatures[name](image_bytes=tf.constant([data]))


@pytest.mark.parametrize("size", [[[64, 64]], [[0, 5]], [[-3, 16]], [[16, 33]], [[49, 49], [50, 50]]])
def test_wrong_sizes_raise_invalid_argument(signatures, size):
    latents = tf.zeros([len(size), 2, 2, 8], tf.int32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="size"):
        signatures["synthesize"](latents=latents, size=tf.constant(size))


def test_the_card_says_what_and_how(tiny_export, tiny_codec):
    card = json.loads((tiny_export / "card.json").read_text())
    assert card["name"] == "tiny-codec"
    assert card["model"] == "bls2017"
    assert card["config"]["num_filters"] == 8
    assert card["identity"] == tiny_codec.identity().hex()
    assert card["training"] == [{"steps": 0}]
    assert card["signatures"]["synthesize"]["inputs"] == {
        "latents": "int32 [?, ?, ?, 8]",
        "size": "int32 [?, 2]",
    }
    assert {"saved_model.pb", "encoder.tflite", "decoder.tflite", "model-int8.tflite", "tables.npz"} <= set(
        card["files"]
    )


def test_the_next_export_gets_the_next_number(tiny_codec, tiny_export, tmp_path, monkeypatch):
    from zoo.codec import export, lite_export

    root = tmp_path / "again"
    (root / "7").mkdir(parents=True)
    (root / "7" / "saved_model.pb").touch()
    monkeypatch.setattr(lite_export.tflite, "convert", lambda *_: None)
    assert export.export_codec(tiny_codec, root).name == "8"
    # A failure half way leaves nothing that a server could take for a version.
    monkeypatch.setattr(lite_export.tflite, "convert", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export.export_codec(tiny_codec, root)
    assert sorted(p.name for p in root.iterdir()) == ["7", "8"]
