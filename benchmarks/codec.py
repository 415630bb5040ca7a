"""Speed of the codec beside tensorflow-compression's own recipe, in one process.

    python -m benchmarks.codec                  # the training step and inference, a few minutes
    python -m benchmarks.codec --loss_steps=1000   # and the loss of both recipes after so many steps

The reference is the library's `bls2017.py` written anew with its layers as they come: kernels through the FFT,
explicit padding, float32, transposed convolutions. It has the same filters, stages and initial values as ours, and
meets the same batches. Variants take turns, so that a change of the machine's speed meets both.
"""

import json
import os
import statistics
import time

from absl import app, flags

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

FLAGS = flags.FLAGS
flags.DEFINE_integer("num_filters", 128, "Channels of the transforms.", lower_bound=1)
flags.DEFINE_integer("batch_size", 8, "Patches in a batch.", lower_bound=1)
flags.DEFINE_integer("patch_size", 256, "Side of a patch in pixels.", lower_bound=16)
flags.DEFINE_integer("rounds", 15, "Timed rounds; each variant runs once in each.", lower_bound=1)
flags.DEFINE_integer(
    "loss_steps", 0, "Train both recipes for so many steps and compare their losses.", lower_bound=0
)
flags.DEFINE_float("learning_rate", 1e-4, "Adam's, the library's default.")
flags.DEFINE_string("data", "sample:photos", "Training pictures, see zoo.data.load.")
flags.DEFINE_string("out", None, "JSON file to write the figures to.")


def reference_model(config):
    """tensorflow-compression's recipe: its layers as they come, its entropy model called in the step."""
    import tensorflow as tf
    import tensorflow_compression as tfc

    from zoo.codec.model import BLS2017

    def as_it_comes(layer):
        kept = layer.get_config()
        kept["kernel_parameter"], kept["activation"] = "rdft", layer.activation
        kept.pop("use_explicit", None)
        return tfc.SignalConv2D(**kept)

    class Reference(BLS2017):
        """The published training step."""

        def __init__(self, config):
            super().__init__(config)
            for name in ("analysis", "synthesis"):
                layers = getattr(self, name).layers
                fresh = [as_it_comes(x) if isinstance(x, tfc.SignalConv2D) else x for x in layers]
                setattr(self, name, tf.keras.Sequential(fresh, name=name))
            self.synthesis(self.analysis(tf.zeros([1, 16, 16, 3])))

        def train_step(self, batch):
            images = batch["image"]
            entropy_model = tfc.ContinuousBatchedEntropyModel(self.prior, coding_rank=3, compression=False)
            with tf.GradientTape() as tape:
                latents = self.analysis(images, training=True)
                noisy, bits = entropy_model(latents, training=True)
                decoded = self.synthesis(noisy, training=True)
                bpp = bits / (images.shape[1] * images.shape[2])
                loss = tf.reduce_mean(
                    bpp + self.config.rate_distortion_weight * self.distortion(images, decoded)
                )
            self.optimizer.minimize(loss, self.trainable_variables, tape=tape)
            return self._track(images, decoded, bpp, loss)

    return Reference(config)


def make_models():
    """Ours in the fastest precision, the reference in float32, with the same initial values."""
    import tensorflow as tf

    from zoo.codec.config import BLS2017Config
    from zoo.codec.model import BLS2017
    from zoo.precision import fastest_precision

    config = BLS2017Config(num_filters=FLAGS.num_filters)
    models = {}
    for name, policy, make in [
        ("library", "float32", reference_model),
        ("ours", fastest_precision(), BLS2017),
    ]:
        tf.keras.mixed_precision.set_global_policy(policy)
        tf.keras.utils.set_random_seed(0)
        models[name] = make(config)
        models[name].compile(optimizer=tf.keras.optimizers.Adam(FLAGS.learning_rate))
    tf.keras.mixed_precision.set_global_policy("float32")
    for part in ("analysis", "synthesis", "prior"):
        ours, theirs = (getattr(models[name], part).trainable_variables for name in ("ours", "library"))
        for mine, yours in zip(ours, theirs, strict=True):
            mine.assign(yours)
    return models


def time_in_turns(variants, rounds):
    """Median seconds of each variant, a dict of name to function; they take turns."""
    seconds = {name: [] for name in variants}
    for function in variants.values():
        function()  # traces
    for _ in range(rounds):
        for name, function in variants.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def training_data():
    """Batches as the trainer makes them."""
    import zoo.data
    from zoo.data import pipeline

    return pipeline.batches(
        zoo.data.load(FLAGS.data, "train"),
        FLAGS.batch_size,
        seed=0,
        transform=pipeline.random_patch(FLAGS.patch_size),
    )


def time_training(models):
    """Seconds of one training step as `fit` runs it, the batch at hand."""
    batches = training_data().take(1).cache().repeat()

    def step(model):
        function, iterator = model.make_train_function(), iter(batches)
        return lambda: function(iterator)

    return time_in_turns({name: step(model) for name, model in models.items()}, FLAGS.rounds)


def time_inference(models):
    """Seconds of both transforms on a picture of 768 x 512, frozen and with the library's layers."""
    import tensorflow as tf

    from zoo.codec.frozen import FrozenCodec

    image = tf.cast(255 * tf.random.stateless_uniform([1, 512, 768, 3], [0, 0]), tf.uint8)
    for model in models.values():
        model.make_tables()
    library, codec = models["library"], FrozenCodec(models["ours"])

    @tf.function
    def published(x):
        latents = library.quantize(library.analysis(tf.cast(x, tf.float32) / 255))
        return tf.saturate_cast(tf.round(255 * library.synthesis(latents)), tf.uint8)

    frozen = tf.function(lambda x: codec.synthesize(codec.analyze(x)))
    return time_in_turns(
        {"library": lambda: published(image).numpy(), "ours": lambda: frozen(image).numpy()}, FLAGS.rounds
    )


def compare_losses():
    """Mean loss over the last tenth of `--loss_steps` for each recipe, from the same start on the same batches."""
    losses = {}
    for name, model in make_models().items():
        for part in (FLAGS.loss_steps - FLAGS.loss_steps // 10, FLAGS.loss_steps // 10):
            begun = model.optimizer.iterations.numpy()
            data = training_data().skip(begun)
            history = model.fit(data, steps_per_epoch=part, epochs=1, verbose=0)
        losses[name] = history.history["loss"][-1]
    return losses


def main(_):
    """Measures and prints."""
    models = make_models()
    figures = {
        "training step (s)": time_training(models),
        "both transforms, 768 x 512 (s)": time_inference(models),
    }
    if FLAGS.loss_steps:
        figures[f"loss after {FLAGS.loss_steps} steps"] = compare_losses()
    print(
        f"{FLAGS.num_filters} filters, batch {FLAGS.batch_size}, patches of {FLAGS.patch_size}, {os.cpu_count()} cores"
    )
    print(f"{'':<34}{'library':>10}{'ours':>10}{'library/ours':>14}")
    for name, row in figures.items():
        print(f"{name:<34}{row['library']:>10.4f}{row['ours']:>10.4f}{row['library'] / row['ours']:>14.3f}")
    if FLAGS.out:
        with open(FLAGS.out, "w") as file:
            json.dump(figures, file, indent=1)


def parse(argv):
    """Parses flags, then imports TensorFlow, which must come before absl runs `main`."""
    rest = FLAGS(argv)
    import tensorflow  # noqa: F401

    return rest


if __name__ == "__main__":
    app.run(main, flags_parser=parse)
