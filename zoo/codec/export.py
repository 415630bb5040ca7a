"""Exports a codec: signatures in stock ops, TFLite, trained variables, tables, card."""

import pathlib

import numpy as np
import tensorflow as tf

from zoo.codec import checks, file_signatures, lite_export
from zoo.codec.checks import IMAGE, IMAGE_BYTES, QUALITY, SIZE
from zoo.codec.config import TOTAL_STRIDE
from zoo.codec.frozen import FrozenCodec
from zoo.export.export import write_export
from zoo.images.graph import decode_picture

ABOUT = pathlib.Path(__file__).parent / "cards.json"


def export_codec(model, root, training=()):
    """Writes the next version of a codec's export.

    Args:
      model: a `zoo.codec.model.BLS2017`, trained, with its tables made.
      root: directory of the export; its name is that of the servable, and the version goes to `root/<integer>`.
      training: list of dicts, the phases of training.

    Returns:
      The version's directory, a `pathlib.Path`.
    """
    codec = FrozenCodec(model)
    signatures = make_signatures(codec)

    def add(directory, entry):
        np.savez_compressed(directory / "tables.npz", **make_tables(model, codec))
        if entry.lite:
            lite_export.write(directory, codec)
        return {"multiply_adds_per_pixel": codec.multiply_adds, "identity": model.identity().hex()}

    return write_export(
        model, root, signatures, "reconstruct", about=ABOUT, warmup=warmup_requests(codec, signatures),
        training=training, add=add,
    )  # fmt: skip


def make_tables(model, codec):
    """What the commands need beside the signatures, as arrays.

    Returns:
      dict: the fields of `zoo.coding.tables.Tables`; scales and steps, [Q, C] float32, of quantization, see
      `FrozenCodec`; rate_distortion_weights, [Q] float32, the λ of each quality.
    """
    scales, steps = model.quantization()
    return codec.tables.arrays() | {
        "scales": scales,
        "steps": steps,
        "rate_distortion_weights": model.rate_distortion_weights(),
    }


def make_signatures(codec):
    """The signatures of a codec's SavedModel.

        compress(image, quality) -> file_bytes           decompress(file_bytes) -> image

    from a picture to the bytes of a `.tln` file and back, the same bytes as `toulon compress` writes; `decompress` takes
    files of one size and gives colours only. Their twins `compress_bytes` and `decompress_bytes` take and give PNG
    (or JPEG, opaque) for `image`, of any sizes, grey and with alpha where the file is. A file that is damaged, or of another model, is an
    InvalidArgument that says so.

        analyze(image, quality) -> latents, size         reconstruct(image, quality) -> image, bits_per_pixel
        synthesize(latents, size, quality) -> image

    and a twin `X_bytes` of each that takes encoded pictures (PNG, JPEG) for `image` and gives PNG, both named
    `image_bytes`. Pictures of one request have one size, but for `reconstruct_bytes`. A codec of one rate has no
    `quality`. For tools that quantize in their own ways, the bare transforms and the entropy coder:

        transform(image) -> coefficients                 inverse_transform(coefficients) -> pixels
        encode(latents, quality) -> code_bytes           decode(code_bytes, size, quality) -> latents

    Shapes: image [B, H, W, 3] uint8; quality [B] int32, 1 to 100; latents [B, ⌈H/16⌉, ⌈W/16⌉, C] int32; size [B, 2]
    int32, height and width; bits_per_pixel [B] float32, what the entropy coder needs by its tables; coefficients [B, ⌈H/16⌉, ⌈W/16⌉, C]
    float32, latents before rounding without their medians; pixels [B, 16 h, 16 w, 3] float32, about 0 to
    255; file_bytes and code_bytes [B] string.

    Args:
      codec: a `FrozenCodec`.

    Returns:
      dict of name to `tf.function`.
    """
    latents_spec = tf.TensorSpec([None, None, None, codec.channels], tf.int32, "latents")
    coefficients_spec = tf.TensorSpec([None, None, None, codec.channels], tf.float32, "coefficients")
    quality_spec = [QUALITY] if codec.qualities > 1 else []

    def checked(quality):
        return checks.known_quality(quality, codec.qualities)

    def analyze(image, *quality):
        sizes = tf.tile(tf.shape(image)[None, 1:3], [tf.shape(image)[0], 1])
        return {"latents": codec.analyze(checks.covering(image), *checked(quality)), "size": sizes}

    def synthesize(latents, size, *quality):
        covered = tf.shape(latents)[1:3] * TOTAL_STRIDE
        same = tf.Assert(tf.reduce_all(size == size[:1]), ["size differs within the batch:", size])
        fits = tf.Assert(
            tf.reduce_all((size[0] > covered - TOTAL_STRIDE) & (size[0] <= covered)),
            ["size is", size[0], "; these latents cover", covered, "pixels, less than 16 of them spare."],
        )
        with tf.control_dependencies([same, fits, checks.assert_pixels(covered)]):
            height, width = tf.unstack(size[0])
        return {"image": codec.synthesize(latents, *checked(quality))[:, :height, :width]}

    def reconstruct(image, *quality):
        quality = checked(quality)
        code = analyze(image, *quality)
        bits = codec.bits(code["latents"], *quality)
        pixels = tf.cast(tf.reduce_prod(tf.shape(image)[1:3]), tf.float32)
        return synthesize(code["latents"], code["size"], *quality) | {"bits_per_pixel": bits / pixels}

    def analyze_bytes(image_bytes, *quality):
        return analyze(tf.map_fn(decode_picture, image_bytes, fn_output_signature=tf.uint8), *quality)

    def synthesize_bytes(latents, size, *quality):
        image = synthesize(latents, size, *quality)["image"]
        return {"image_bytes": tf.map_fn(tf.io.encode_png, image, fn_output_signature=tf.string)}

    def reconstruct_bytes(image_bytes, *quality):
        def one(inputs):
            data, *own = inputs
            result = reconstruct(decode_picture(data)[None], *(q[None] for q in own))
            return tf.io.encode_png(result["image"][0]), result["bits_per_pixel"][0]

        types = (tf.string, tf.float32)
        image_bytes, bpp = tf.map_fn(one, (image_bytes, *quality), fn_output_signature=types)
        return {"image_bytes": image_bytes, "bits_per_pixel": bpp}

    def transform(image):
        return {"coefficients": codec.transform(checks.covering(image))}

    def inverse_transform(coefficients):
        covered = tf.shape(coefficients)[1:3] * TOTAL_STRIDE
        with tf.control_dependencies([checks.assert_pixels(covered)]):
            return {"pixels": codec.inverse_transform(tf.identity(coefficients))}

    specs = {
        analyze: [IMAGE, *quality_spec],
        synthesize: [latents_spec, SIZE, *quality_spec],
        reconstruct: [IMAGE, *quality_spec],
        analyze_bytes: [IMAGE_BYTES, *quality_spec],
        synthesize_bytes: [latents_spec, SIZE, *quality_spec],
        reconstruct_bytes: [IMAGE_BYTES, *quality_spec],
        transform: [IMAGE],
        inverse_transform: [coefficients_spec],
    }
    signatures = {f.__name__: tf.function(f, input_signature=spec) for f, spec in specs.items()}
    return signatures | file_signatures.make_file_signatures(codec)


def warmup_requests(codec, signatures):
    """One small request for each signature: a grey picture of 64 x 64."""
    image = np.full([1, 64, 64, 3], 128, np.uint8)
    encoded = np.array([tf.io.encode_png(image[0]).numpy()])
    latents = {
        "latents": np.zeros([1, 4, 4, codec.channels], np.int32),
        "size": np.array([[64, 64]], np.int32),
    }
    quality = {"quality": np.array([50], np.int32)} if codec.qualities > 1 else {}
    file = signatures["compress"](image, *map(tf.constant, quality.values()))["file_bytes"].numpy()
    code = signatures["encode"](latents["latents"], *map(tf.constant, quality.values()))["code_bytes"].numpy()
    return [
        ("analyze", {"image": image} | quality),
        ("synthesize", latents | quality),
        ("reconstruct", {"image": image} | quality),
        ("analyze_bytes", {"image_bytes": encoded} | quality),
        ("synthesize_bytes", latents | quality),
        ("reconstruct_bytes", {"image_bytes": encoded} | quality),
        ("compress", {"image": image} | quality),
        ("compress_bytes", {"image_bytes": encoded} | quality),
        ("decompress", {"file_bytes": file}),
        ("decompress_bytes", {"file_bytes": file}),
        ("encode", {"latents": latents["latents"]} | quality),
        ("decode", {"code_bytes": code, "size": latents["size"]} | quality),
        ("transform", {"image": image}),
        ("inverse_transform", {"coefficients": np.zeros([1, 4, 4, codec.channels], np.float32)}),
    ]
