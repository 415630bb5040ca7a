"""Exports a codec: signatures in stock ops, TFLite, trained variables, tables, card."""

import json
import pathlib

import numpy as np
import tensorflow as tf

from zoo import registry
from zoo.codec.config import TOTAL_STRIDE
from zoo.codec.frozen import FrozenCodec
from zoo.codec.model import pad_to_multiple
from zoo.export import card, saved_model, serving_files, tflite
from zoo.images.graph import decode_picture
from zoo.images.limits import MAX_PIXELS

ABOUT = pathlib.Path(__file__).parent / "cards.json"

IMAGE = tf.TensorSpec([None, None, None, 3], tf.uint8, "image")
IMAGE_BYTES = tf.TensorSpec([None], tf.string, "image_bytes")
SIZE = tf.TensorSpec([None, 2], tf.int32, "size")


def export_codec(model, root, training=()):
    """Writes the next version of a codec's export.

    Args:
      model: a `zoo.codec.model.BLS2017`, trained, with its tables made.
      root: directory of the export; its name is that of the servable, and the version goes to `root/<integer>`.
      training: list of dicts, the phases of training.

    Returns:
      The version's directory, a `pathlib.Path`.
    """
    root = pathlib.Path(root)
    name = root.name
    entry = registry.find(name if name in registry.list_models() else "bls2017")
    codec = FrozenCodec(model)
    with saved_model.new_version(root) as directory:
        signatures = make_signatures(codec)
        saved_model.save_signatures(directory, signatures, "reconstruct")
        model.variables_checkpoint().write(str(directory / "checkpoint" / "variables"))
        np.savez(directory / "tables.npz", cdf=model.cdf.numpy(), cdf_offset=model.cdf_offset.numpy())
        tflite.convert(directory / "model.tflite", make_lite_signatures(codec))
        serving_files.write_warmup(directory, name, warmup_requests(codec))
        about = json.loads(ABOUT.read_text())[entry.name]
        facts = {
            "multiply_adds_per_pixel": codec.multiply_adds,
            "identity": model.identity().hex(),
            "parameters": sum(int(tf.size(v)) for v in model.trainable_variables),
            "signatures": {key: saved_model.describe(f) for key, f in signatures.items()},
        }
        card.write_card(directory, card.make_card(name, entry, about, model.config, list(training), **facts))
    serving_files.write_server_configs(root.parent)
    return registry.find_export(root)


def make_signatures(codec):
    """The signatures of a codec's SavedModel.

        analyze(image) -> latents, size                  reconstruct(image) -> image, bits_per_pixel
        synthesize(latents, size) -> image

    and a twin `X_bytes` of each that takes encoded pictures (PNG, JPEG) for `image` and gives PNG, both named
    `image_bytes`. Pictures of one request have one size, but for `reconstruct_bytes`.

    Shapes: image [B, H, W, 3] uint8; latents [B, ⌈H/16⌉, ⌈W/16⌉, C] int32; size [B, 2] int32, height and width;
    bits_per_pixel [B] float32, what the range coder needs.

    Args:
      codec: a `FrozenCodec`.

    Returns:
      dict of name to `tf.function`.
    """
    latents_spec = tf.TensorSpec([None, None, None, codec.channels], tf.int32, "latents")

    def analyze(image):
        sizes = tf.tile(tf.shape(image)[None, 1:3], [tf.shape(image)[0], 1])
        covered = -(-tf.shape(image)[1:3] // TOTAL_STRIDE) * TOTAL_STRIDE
        with tf.control_dependencies([_assert_pixels(covered)]):
            image = tf.identity(image)
        return {"latents": codec.analyze(pad_to_multiple(image, TOTAL_STRIDE)), "size": sizes}

    def synthesize(latents, size):
        covered = tf.shape(latents)[1:3] * TOTAL_STRIDE
        same = tf.Assert(tf.reduce_all(size == size[:1]), ["size differs within the batch:", size])
        fits = tf.Assert(
            tf.reduce_all((size[0] > covered - TOTAL_STRIDE) & (size[0] <= covered)),
            ["size is", size[0], "; these latents cover", covered, "pixels, less than 16 of them spare."],
        )
        with tf.control_dependencies([same, fits, _assert_pixels(covered)]):
            height, width = tf.unstack(size[0])
        return {"image": codec.synthesize(latents)[:, :height, :width]}

    def reconstruct(image):
        code = analyze(image)
        bits = codec.bits(code["latents"])
        pixels = tf.cast(tf.reduce_prod(tf.shape(image)[1:3]), tf.float32)
        return synthesize(**code) | {"bits_per_pixel": bits / pixels}

    def analyze_bytes(image_bytes):
        return analyze(tf.map_fn(decode_picture, image_bytes, fn_output_signature=tf.uint8))

    def synthesize_bytes(latents, size):
        image = synthesize(latents, size)["image"]
        return {"image_bytes": tf.map_fn(tf.io.encode_png, image, fn_output_signature=tf.string)}

    def reconstruct_bytes(image_bytes):
        def one(data):
            result = reconstruct(decode_picture(data)[None])
            return tf.io.encode_png(result["image"][0]), result["bits_per_pixel"][0]

        image_bytes, bpp = tf.map_fn(one, image_bytes, fn_output_signature=(tf.string, tf.float32))
        return {"image_bytes": image_bytes, "bits_per_pixel": bpp}

    specs = {
        analyze: [IMAGE],
        synthesize: [latents_spec, SIZE],
        reconstruct: [IMAGE],
        analyze_bytes: [IMAGE_BYTES],
        synthesize_bytes: [latents_spec, SIZE],
        reconstruct_bytes: [IMAGE_BYTES],
    }
    return {f.__name__: tf.function(f, input_signature=spec) for f, spec in specs.items()}


def make_lite_signatures(codec):
    """The entries of a codec's `.tflite`, built-in ops only, any size.

    analyze(image [1, H, W, 3] uint8) -> latents [1, ⌈H/16⌉, ⌈W/16⌉, C] int32
    synthesize(latents) -> image [1, 16 ⌈H/16⌉, 16 ⌈W/16⌉, 3] uint8, to be cropped by the caller
    """
    latents_spec = tf.TensorSpec([1, None, None, codec.channels], tf.int32, "latents")

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.uint8, "image")])
    def analyze(image):
        return {"latents": codec.analyze(pad_to_multiple(image, TOTAL_STRIDE))}

    @tf.function(input_signature=[latents_spec])
    def synthesize(latents):
        return {"image": codec.synthesize(latents)}

    return {"analyze": analyze, "synthesize": synthesize}


def warmup_requests(codec):
    """One small request for each signature: a grey picture of 64 x 64."""
    image = np.full([1, 64, 64, 3], 128, np.uint8)
    encoded = np.array([tf.io.encode_png(image[0]).numpy()])
    latents = {
        "latents": np.zeros([1, 4, 4, codec.channels], np.int32),
        "size": np.array([[64, 64]], np.int32),
    }
    return [
        ("analyze", {"image": image}),
        ("synthesize", latents),
        ("reconstruct", {"image": image}),
        ("analyze_bytes", {"image_bytes": encoded}),
        ("synthesize_bytes", latents),
        ("reconstruct_bytes", {"image_bytes": encoded}),
    ]


def _assert_pixels(size):
    pixels = tf.reduce_prod(tf.cast(size, tf.int64))
    return tf.Assert(
        (pixels > 0) & (pixels <= MAX_PIXELS),
        ["The picture's size is", size, "; 1 to", MAX_PIXELS, "pixels."],
    )
