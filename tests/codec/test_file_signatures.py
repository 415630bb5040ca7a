"""The exported signatures that write and read `.tln` files, against the commands' `FileCodec`."""

import dataclasses
import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import zoo
from zoo.codec.files import load_codec
from zoo.codec.search import compress
from zoo.coding.container import unpack
from zoo.images.picture import Picture, from_pillow

SIZES = [(1, 1), (7, 5), (16, 16), (33, 50)]


@pytest.fixture(scope="module", params=["one rate", "all rates"])
def exported(request, tiny_export, tiny_variable_export):
    """Signatures, the `FileCodec`, and the quality to ask for as keyword arguments and as a number."""
    directory = {"one rate": tiny_export, "all rates": tiny_variable_export}[request.param]
    codec = load_codec(str(directory))
    return zoo.load_export(str(directory)), codec, 70 if codec.qualities > 1 else None


def asked(quality, count=1):
    return {} if quality is None else {"quality": tf.constant([quality] * count)}


def png(image, format="PNG"):
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, format)
    return buffer.getvalue()


@pytest.mark.parametrize("size", SIZES)
def test_files_are_those_of_the_commands(exported, photograph, size):
    signatures, codec, quality = exported
    image = photograph[: size[0], : size[1]]
    expected = codec.encode(image, quality)
    data = signatures["compress"](image=tf.constant(image[None]), **asked(quality))["file_bytes"]
    assert data[0].numpy() == expected
    twin = signatures["compress_bytes"](image_bytes=tf.constant([png(image)]), **asked(quality))["file_bytes"]
    assert twin[0].numpy() == expected
    restored = signatures["decompress"](file_bytes=data)["image"]
    np.testing.assert_array_equal(restored[0], codec.decode(expected))
    encoded = signatures["decompress_bytes"](file_bytes=data)["image_bytes"][0].numpy()
    np.testing.assert_array_equal(Image.open(io.BytesIO(encoded)), codec.decode(expected))


def test_batches_are_as_one_by_one(exported, photograph):
    signatures, codec, quality = exported
    images = np.stack([photograph[:33, :50], photograph[40:73, 60:110]])
    data = signatures["compress"](image=tf.constant(images), **asked(quality, 2))["file_bytes"]
    assert data.numpy().tolist() == [codec.encode(image, quality) for image in images]
    restored = signatures["decompress"](file_bytes=data)["image"]
    for image, one in zip(restored, data.numpy(), strict=True):
        np.testing.assert_array_equal(image, codec.decode(one))
    several = [png(photograph[:h, :w]) for h, w in SIZES]
    data = signatures["compress_bytes"](image_bytes=tf.constant(several), **asked(quality, 4))["file_bytes"]
    encoded = signatures["decompress_bytes"](file_bytes=data)["image_bytes"].numpy()
    assert [Image.open(io.BytesIO(e)).size for e in encoded] == [(w, h) for h, w in SIZES]


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA"])
def test_opaque_pictures_of_any_colour_type(exported, photograph, mode):
    """Grey ones come back grey; alpha that is nowhere transparent is left out, as the commands do."""
    signatures, codec, quality = exported
    image = Image.fromarray(photograph[:40, :30]).convert(mode)
    data = signatures["compress_bytes"](image_bytes=tf.constant([png(image)]), **asked(quality))["file_bytes"]
    picture = from_pillow(image)
    assert data[0].numpy() == compress(codec, picture, quality).data
    encoded = signatures["decompress_bytes"](file_bytes=data)["image_bytes"][0].numpy()
    restored = Image.open(io.BytesIO(encoded))
    assert restored.mode == ("L" if picture.grey else "RGB")
    np.testing.assert_array_equal(restored, codec.unpack(unpack(data[0].numpy())).to_pillow())


def test_jpeg_is_taken_as_it_is_stored(exported, photograph):
    signatures, codec, quality = exported
    jpeg = png(photograph[:50, :70], "JPEG")
    data = signatures["compress_bytes"](image_bytes=tf.constant([jpeg]), **asked(quality))["file_bytes"]
    assert data[0].numpy() == codec.encode(np.asarray(Image.open(io.BytesIO(jpeg))), quality)


def test_alpha_comes_back_and_is_not_taken(exported, photograph):
    signatures, codec, quality = exported
    part = photograph[:33, :50]
    for picture in (Picture(part, alpha=part[..., 1]), Picture(part, grey=True, alpha=part[..., 1])):
        data = compress(codec, picture, quality).data
        encoded = signatures["decompress_bytes"](file_bytes=tf.constant([data]))["image_bytes"][0].numpy()
        expected = codec.unpack(unpack(data)).to_pillow()
        restored = Image.open(io.BytesIO(encoded))
        assert restored.mode == expected.mode
        np.testing.assert_array_equal(restored, expected)
        with pytest.raises(tf.errors.InvalidArgumentError, match="transparent"):
            signatures["compress_bytes"](image_bytes=tf.constant([png(expected)]), **asked(quality))


def test_a_profile_is_passed_over(exported, photograph):
    signatures, codec, quality = exported
    data = compress(codec, Picture(photograph[:20, :20], profile=b"profile" * 9), quality).data
    restored = signatures["decompress"](file_bytes=tf.constant([data]))["image"][0]
    np.testing.assert_array_equal(restored, codec.decode(data))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: b"", "is not a .tln file"),
        (lambda d: b"GIF89a" + d, "is not a .tln file"),
        (lambda d: d[:3] + b"\2" + d[4:], "is not of format version 1"),
        (lambda d: d[:20], "is cut off"),
        (lambda d: d[:-1], "checksum does not match"),
        (lambda d: d[:40] + bytes([d[40] ^ 1]) + d[41:], "checksum does not match"),
        (lambda d: dataclasses.replace(unpack(d), model=b"stranger").pack(), "made by another model"),
        (lambda d: dataclasses.replace(unpack(d), quality=200).pack(), "no such quality"),
        (lambda d: dataclasses.replace(unpack(d), height=2**31, width=2**31).pack(), "64 megapixels"),
        (lambda d: dataclasses.replace(unpack(d), height=0).pack(), "64 megapixels"),
        (lambda d: dataclasses.replace(unpack(d), height=2**12, width=2**12).pack(), "too short"),
        (
            lambda d: dataclasses.replace(unpack(d), payload=unpack(d).payload + b"\0").pack(),
            "cannot be decoded",
        ),
        (lambda d: dataclasses.replace(unpack(d), width=90).pack(), "cannot be decoded"),
    ],
)
def test_wrong_files_say_what_is_wrong(exported, photograph, change, message):
    signatures, codec, quality = exported
    data = change(codec.encode(photograph[:33, :50], quality))
    for name in ("decompress", "decompress_bytes"):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            signatures[name](file_bytes=tf.constant([data]))


def test_damaged_alpha_is_told(exported, photograph):
    signatures, codec, quality = exported
    data = compress(codec, Picture(photograph[:33, :50], alpha=photograph[:33, :50, 0]), quality).data
    for alpha in (b"none", unpack(data).alpha[:60], png(photograph[:9, :9, 0])):
        wrong = dataclasses.replace(unpack(data), alpha=alpha).pack()
        with pytest.raises(tf.errors.InvalidArgumentError):
            signatures["decompress_bytes"](file_bytes=tf.constant([wrong]))


def test_the_coder_alone(exported, noise):
    signatures, codec, quality = exported
    channels = signatures["encode"].structured_input_signature[1]["latents"].shape[-1]
    latents = noise.integers(-9, 9, [2, 3, 4, channels]).astype(np.int32)
    latents[0, 0, 0, 0] = 2**20  # kept within 16 bits
    code = signatures["encode"](latents=tf.constant(latents), **asked(quality, 2))["code_bytes"]
    size = tf.constant([[48, 64]] * 2)
    back = signatures["decode"](code_bytes=code, size=size, **asked(quality, 2))["latents"]
    np.testing.assert_array_equal(back, np.minimum(latents, 2**15 - 1))
    inside = np.minimum(latents[0], 2**15 - 1).astype(np.int16)
    assert codec.encode_latents(inside, quality or 1) == code[0].numpy()
    np.testing.assert_array_equal(codec.decode_latents(code[0].numpy(), quality or 1, 3, 4), inside)
    for wrong, told in ((code.numpy()[0][:-1], "damaged"), (b"", "damaged|too short")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=told):
            signatures["decode"](code_bytes=tf.constant([wrong]), size=size[:1], **asked(quality))
