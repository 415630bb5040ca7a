"""Exports super-resolution: signatures in stock ops, TFLite, trained variables, card."""

import pathlib

import numpy as np
import tensorflow as tf

from zoo.export import tflite
from zoo.export.export import write_export
from zoo.images.graph import decode_opaque
from zoo.images.limits import MAX_PIXELS
from zoo.superres.clipping import RELAXATION, clip_consistently
from zoo.superres.model import SuperResolution

ABOUT = pathlib.Path(__file__).parent / "cards.json"
# The resampling kernels are too small for the converter to make int8 of them: with such weights, too, results are consistent.
LITE = {"float32": "model.tflite", "float16": "model-float16.tflite", "int8": "model-int8.tflite"}
IMAGE_BYTES = tf.TensorSpec([None], tf.string, "image_bytes")
SEED = tf.TensorSpec([None], tf.int32, "seed")


def export_superres(model, root, training=()):
    """Writes the next version of a super-resolution model's export.

    Args:
      model: a trained `zoo.superres.model.SuperResolution`.
      root: directory of the export; its name is that of the servable, and the version goes to `root/<integer>`.
      training: list of dicts, the phases of training.

    Returns:
      The version's directory, a `pathlib.Path`.
    """

    def add(directory, entry):
        consistency = {}
        if entry.lite:
            for weights, file in LITE.items():
                tflite.convert(directory / file, make_lite_signatures(model), weights)
                consistency[file] = measure_consistency(directory / file, model.config.kernel)
        return {
            "scale": model.config.scale,
            "reach": model.network.reach,
            "largest_inconsistency_in_levels": consistency,
        }

    model = in_float32(model)
    signatures = make_signatures(model)
    return write_export(
        model, root, signatures, "upscale", about=ABOUT, warmup=warmup_requests(model), training=training, add=add
    )  # fmt: skip


def in_float32(model):
    """The same model, whatever precision it was trained in, computing in float32."""
    policy = tf.keras.mixed_precision.global_policy()
    tf.keras.mixed_precision.set_global_policy("float32")
    try:
        other = SuperResolution(model.config, name=model.name)
    finally:
        tf.keras.mixed_precision.set_global_policy(policy)
    for variable, trained in zip(other.network.variables, model.network.variables, strict=True):
        variable.assign(trained)
    return other


def make_signatures(model):
    """The signatures of a super-resolution SavedModel.

        upscale(image) -> image                              upscale_bytes(image_bytes) -> image_bytes

    from pictures of one size, uint8, to pictures s times as large, and from PNG or JPEG of any sizes, opaque, to PNG. The
    parts they are made of, in float32 of [0, 1], for tools that work tile by tile or with more than 8 bits:

        upscale_float(image) -> image                        the result, consistent to float rounding, not clipped
        candidate(image) -> image                            f, before the projection
        downsample(image) -> image, upsample(image) -> image    A and A⁺

    A stochastic model takes `seed` [B] int32 where it draws noise, and `candidate` takes noise [B, h, w, N].

    Shapes: image [B, h, w, C], out [B, s h, s w, C]; for colour models C is 3, and grey PNGs come out grey.

    Args:
      model: a `zoo.superres.model.SuperResolution`.

    Returns:
      dict of name to `tf.function`.
    """
    config = model.config
    scale, channels = config.scale, config.channels
    picture = tf.TensorSpec([None, None, None, channels], tf.uint8, "image")
    picture_float = tf.TensorSpec([None, None, None, channels], tf.float32, "image")
    seeds = [SEED] if config.noise_channels else []

    def upscale_float(image, *seed):
        return {"image": _enlarge(model, checked(image, scale), *seed)}

    def upscale(image, *seed):
        small = tf.cast(checked(image, scale), tf.float32) / 255
        return {"image": _to_bytes(_clip(model, small, _enlarge(model, small, *seed)))}

    def upscale_bytes(image_bytes, *seed):
        def one(inputs):
            data, *own = inputs
            image, grey = decode_opaque(data)
            if channels == 1:
                image = grey_of(image)
            large = upscale(image[tf.newaxis], *(s[tf.newaxis] for s in own))["image"][0]
            # A mean of channels is as consistent as they are, and exactly so where they are one.
            mean = tf.reduce_mean(tf.cast(large, tf.float32), axis=2, keepdims=True)
            return tf.cond(
                grey,
                lambda: tf.io.encode_png(tf.cast(tf.round(mean), tf.uint8)),
                lambda: tf.io.encode_png(large),
            )

        return {"image_bytes": tf.map_fn(one, (image_bytes, *seed), fn_output_signature=tf.string)}

    def candidate(image, *noise):
        return {"image": model.candidate(image, *noise)}

    def downsample(image):
        return {"image": model.downsample(image)}

    def upsample(image):
        return {"image": model.projection.upsample(image)}

    noise = [tf.TensorSpec([None, None, None, config.noise_channels], tf.float32, "noise")] if seeds else []
    specs = {
        upscale: [picture, *seeds],
        upscale_bytes: [IMAGE_BYTES, *seeds],
        upscale_float: [picture_float, *seeds],
        candidate: [picture_float, *noise],
        downsample: [picture_float],
        upsample: [picture_float],
    }
    return {f.__name__: tf.function(f, input_signature=spec) for f, spec in specs.items()}


def make_lite_signatures(model):
    """The entries of the `.tflite` files, for pictures of any size, one at a time.

    upscale(image [1, h, w, C] uint8) -> image [1, s h, s w, C] uint8
    upscale_float(image [1, h, w, C] float32 in [0, 1]) -> image [1, s h, s w, C] float32, not clipped

    A stochastic model takes noise [1, h, w, N] float32, too.

    Args:
      model: a `zoo.superres.model.SuperResolution`.
    """
    config = model.config
    picture = tf.TensorSpec([1, None, None, config.channels], tf.uint8, "image")
    picture_float = tf.TensorSpec([1, None, None, config.channels], tf.float32, "image")
    count = config.noise_channels
    noise = [tf.TensorSpec([1, None, None, count], tf.float32, "noise")] if count else []

    @tf.function(input_signature=[picture, *noise])
    def upscale(image, *noise):
        small = tf.cast(image, tf.float32) / 255
        return {"image": _to_bytes(_clip(model, small, model(small, *noise)))}

    @tf.function(input_signature=[picture_float, *noise])
    def upscale_float(image, *noise):
        return {"image": model(image, *noise)}

    return {"upscale": upscale, "upscale_float": upscale_float}


def checked(image, scale):
    """Pictures [B, h, w, C], once it is known that the results are of 1 pixel to 64 megapixels."""
    size = tf.shape(image)[1:3] * scale
    pixels = tf.reduce_prod(tf.cast(size, tf.int64))
    message = [
        "The enlarged picture's size would be",
        size,
        "; at least 1 and at most",
        MAX_PIXELS,
        "pixels are made.",
    ]
    with tf.control_dependencies([tf.Assert((pixels > 0) & (pixels <= MAX_PIXELS), message)]):
        return tf.identity(image)


def grey_of(image):
    """Luma of a picture, by the weights of PNG and JPEG decoders: [h, w, 3] uint8 -> [h, w, 1] uint8."""
    luma = tf.tensordot(tf.cast(image, tf.float32), tf.constant([0.299, 0.587, 0.114]), 1)
    return tf.cast(tf.round(luma), tf.uint8)[..., tf.newaxis]


def _enlarge(model, images, *seed):
    return model(images, *(model.draw_noise(images, s) for s in seed))


def _clip(model, small, large):
    """Consistent pictures in [0, 1]; without projection, pictures clipped and no more."""
    if model.config.projected:
        large = clip_consistently(
            large,
            lambda x: x + RELAXATION * (tf.clip_by_value(x, 0, 1) - x),
            lambda x: model.projection([small, x]),
        )
    return tf.clip_by_value(large, 0, 1)


def _to_bytes(images):
    return tf.cast(tf.round(255 * images), tf.uint8)


def measure_consistency(path, kernel):
    """Max |A g - x| of `upscale_float` in a `.tflite` file, in levels of 255, over pictures of noise of some sizes."""
    from zoo.superres.projection import Downsample

    run = tf.lite.Interpreter(model_path=str(path)).get_signature_runner("upscale_float")
    inputs = run.get_input_details()
    noise = np.random.default_rng(0)
    worst = 0.0
    for height, width in [(4, 4), (16, 23), (61, 37)]:
        shape = [1, height, width]
        feed = {
            name: noise.random([*shape, detail["shape"][-1]], np.float32) for name, detail in inputs.items()
        }
        large = run(**feed)["image"]
        back = Downsample(large.shape[1] // height, kernel)(large)
        worst = max(worst, 255 * float(np.abs(back - feed["image"]).max()))
    return worst


def warmup_requests(model):
    """One small request for each signature: a grey picture of 8 x 8."""
    config = model.config
    image = np.full([1, 8, 8, config.channels], 128, np.uint8)
    encoded = np.array([tf.io.encode_png(image[0]).numpy()])
    seed = {"seed": np.zeros([1], np.int32)} if config.noise_channels else {}
    noise = {"noise": np.zeros([1, 8, 8, config.noise_channels], np.float32)} if seed else {}
    half = {"image": image.astype(np.float32) / 255}
    return [
        ("upscale", {"image": image} | seed),
        ("upscale_bytes", {"image_bytes": encoded} | seed),
        ("upscale_float", half | seed),
        ("candidate", half | noise),
        (
            "downsample",
            {"image": np.full([1, 8 * config.scale, 8 * config.scale, config.channels], 0.5, np.float32)},
        ),
        ("upsample", half),
    ]
