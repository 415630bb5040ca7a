"""Exports generators: signatures in stock ops, TFLite, trained variables, card."""

import pathlib

import numpy as np
import tensorflow as tf

from zoo.export import tflite
from zoo.export.export import write_export
from zoo.random import normal_per_example

ABOUT = pathlib.Path(__file__).parent / "cards.json"
MAX_BATCH = 256  # pictures of a request


def export_gan(model, root, training=()):
    """Writes the next version of a generator's export, with its critic.

    Args:
      model: a trained `zoo.gan.model.GAN` of pictures in [-1, 1].
      root: directory of the export; its name is that of the servable, and the version goes to `root/<integer>`.
      training: list of dicts, the phases of training.

    Returns:
      The version's directory, a `pathlib.Path`.
    """

    def add(directory, entry):
        if entry.lite:
            tflite.convert(directory / "model.tflite", make_lite_signatures(model), "float32")
        return {}

    return write_export(
        model, root, make_signatures(model), "generate_seeded", about=ABOUT, warmup=warmup_requests(model),
        training=training, add=add,
    )  # fmt: skip


def make_signatures(model):
    """The signatures of a generator's SavedModel.

        generate(noise) -> image                        noise [B, N] float32, standard normal
        generate_seeded(seed) -> image                  seed [B] int32, one for each picture: the same everywhere, to a level
        generate_seeded_bytes(seed) -> image_bytes      as PNG
        critic_score(image) -> score [B] float32        what the critic thinks of pictures: higher is more real

    Pictures are [B, h, w, C] uint8. Normalizations use the statistics gathered in training, not those of a request.

    Args:
      model: a `zoo.gan.model.GAN`.

    Returns:
      dict of name to `tf.function`.
    """
    size = model.config.noise_size
    seeds = tf.TensorSpec([None], tf.int32, "seed")

    def generate(noise):
        return {"image": to_bytes(model(checked(noise)))}

    def generate_seeded(seed):
        both = tf.stack([tf.cast(checked(seed), tf.int64), tf.zeros_like(seed, tf.int64)], axis=1)
        return generate(normal_per_example(both, [size]))

    def generate_seeded_bytes(seed):
        image = generate_seeded(seed)["image"]
        return {"image_bytes": tf.map_fn(tf.io.encode_png, image, fn_output_signature=tf.string)}

    def critic_score(image):
        return {"score": model.critic(tf.cast(image, tf.float32) / 127.5 - 1, training=False)}

    specs = {
        generate: tf.TensorSpec([None, size], tf.float32, "noise"),
        generate_seeded: seeds,
        generate_seeded_bytes: seeds,
        critic_score: tf.TensorSpec([None, *model.config.shape], tf.uint8, "image"),
    }
    return {f.__name__: tf.function(f, input_signature=[spec]) for f, spec in specs.items()}


def make_lite_signatures(model):
    """The entries of `model.tflite`, of any batch size; see `make_signatures`.

    generate(noise [B, N] float32) -> image [B, h, w, C] uint8
    critic_score(image [B, h, w, C] uint8) -> score [B] float32
    """
    signatures = make_signatures(model)
    return {name: signatures[name] for name in ("generate", "critic_score")}


def checked(values):
    """What asks for pictures, once it is known that there are not too many."""
    count = tf.shape(values)[0]
    message = ["The request is for", count, "pictures; at most", MAX_BATCH, "are made at once."]
    with tf.control_dependencies([tf.Assert(count <= MAX_BATCH, message)]):
        return tf.identity(values)


def to_bytes(images):
    """Pictures in [-1, 1] to uint8."""
    return tf.cast(tf.round(tf.clip_by_value((images + 1) * 127.5, 0, 255)), tf.uint8)


def warmup_requests(model):
    """One small request for each signature."""
    seed = {"seed": np.zeros([1], np.int32)}
    return [
        ("generate", {"noise": np.zeros([1, model.config.noise_size], np.float32)}),
        ("generate_seeded", seed),
        ("generate_seeded_bytes", seed),
        ("critic_score", {"image": np.full([1, *model.config.shape], 128, np.uint8)}),
    ]
