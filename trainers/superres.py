"""Trains super-resolution after Sønderby et al. (2017): every method of the paper.

python -m trainers.superres --workdir=runs/affmse --method=affmse --data='folder:photos/*.jpg' \
        --flagfile=trainers/presets/superres-cpu.flags
"""

from absl import flags

from trainers import common, photographs
from zoo.superres.methods import ADVERSARIAL, GUIDES, METHODS, make_guide, make_model

FLAGS = flags.FLAGS

flags.DEFINE_enum("method", "affmse", list(METHODS), "; ".join(f"{k}: {v}" for k, v in METHODS.items()) + ".")
flags.DEFINE_integer(
    "patch_size", 96, "Side of a large training patch in pixels, a multiple of the factor.", lower_bound=8
)
flags.DEFINE_integer("scale", 4, "Factor of enlargement: 2, 3, 4, 6 or 8.")
flags.DEFINE_enum("kernel", "bicubic", ["bicubic", "gaussian", "box"], "Downsampling that is undone.")
flags.DEFINE_integer("num_filters", 64, "Channels of the network.", lower_bound=1)
flags.DEFINE_integer("num_blocks", 4, "Residual blocks of the network.", lower_bound=0)
flags.DEFINE_integer("noise_channels", 0, "Channels of noise, for a stochastic affgan.", lower_bound=0)
flags.DEFINE_string("widen_from", None, "With --noise_channels, start from this export, which has none.")
flags.DEFINE_integer(
    "discriminator_filters", 48, "Channels of the discriminator's first layer.", lower_bound=1
)
flags.DEFINE_float("discriminator_learning_rate", None, "As --learning_rate unless told.", lower_bound=0)
flags.DEFINE_float("instance_noise", 0.05, "Standard deviation of instance noise at first.", lower_bound=0)
flags.DEFINE_float("final_instance_noise", 0.0, "What it falls to.", lower_bound=0)
flags.DEFINE_integer(
    "instance_noise_steps",
    None,
    "Steps over which it falls; 4/5 of --steps unless told. Give it where --steps will be raised later.",
    lower_bound=1,
)
flags.DEFINE_float("consistency_weight", 1.0, "Of |x - A g| in the soft methods.", lower_bound=0)
flags.DEFINE_float(
    "pixel_weight", 0.0, "Of |g - y| in affgan and softgan; the paper has none.", lower_bound=0
)
flags.DEFINE_string("guide", None, "For affdg, softdg and affll: run of --method=denoiser or density.")
flags.DEFINE_float(
    "deviation", 0.1, "Standard deviation of the noise that --method=denoiser takes away.", lower_bound=1e-4
)
flags.adopt_module_key_flags(common)
flags.adopt_module_key_flags(photographs)
flags.register_multi_flags_validator(
    ["method", "guide"],
    lambda v: (v["method"] in GUIDES) == bool(v["guide"]),
    message="--guide=RUN is for affdg, softdg (a run of --method=denoiser) and affll (of --method=density)",
)
flags.register_multi_flags_validator(
    ["method", "noise_channels"],
    lambda v: not v["noise_channels"] or v["method"] == "affgan",
    message="--noise_channels is for --method=affgan; other losses teach a network to ignore noise",
)
flags.register_multi_flags_validator(
    ["noise_channels", "widen_from"],
    lambda v: v["noise_channels"] or not v["widen_from"],
    message="--widen_from adds --noise_channels; to start from a model as it is, --init_from",
)
flags.register_multi_flags_validator(
    ["patch_size", "scale"],
    lambda v: v["scale"] > 0 and v["patch_size"] % v["scale"] == 0 and v["patch_size"] >= 3 * v["scale"],
    message="--patch_size must be a multiple of --scale, 3 times at least",
)


def build():
    """The model and its data, as the flags say."""
    import tensorflow as tf

    from zoo.data import pipeline

    data = photographs.load(FLAGS.patch_size, transpose=True)
    model = make_compiled(data.channels)
    enlarges = hasattr(model, "degrade")

    def pictures():
        image = pipeline.to_float(data.first)[tf.newaxis]
        height, width = (side // FLAGS.scale * FLAGS.scale for side in image.shape[1:3])
        image = image[:, :height, :width]
        small = model.degrade(image)
        bicubic = tf.image.resize(small, [height, width], "bicubic")
        row = tf.concat([bicubic, model(small), image], axis=2)
        return {"bicubic, enlarged, original": tf.cast(tf.round(255 * tf.clip_by_value(row, 0, 1)), tf.uint8)}

    def export(directory, history):
        from zoo.superres.export import export_superres

        print(f"exported to {export_superres(model, directory, history)}")

    return common.Task(
        model, data.train, data.validation, pictures=pictures if enlarges else None,
        export=export if enlarges else None, resident=data.resident, parent=FLAGS.widen_from,
    )  # fmt: skip


def make_compiled(channels):
    """The compiled model of `--method`."""
    from zoo.superres.config import SuperResolutionConfig

    method = FLAGS.method
    optimizers = {"optimizer": common.make_optimizer()}
    if method in GUIDES.values():
        model = make_guide(method, FLAGS.num_filters, FLAGS.num_blocks, channels, FLAGS.deviation)
        model.compile(**optimizers, **common.compile_kwargs())
        return model
    config = SuperResolutionConfig(
        scale=FLAGS.scale,
        kernel=FLAGS.kernel,
        num_filters=FLAGS.num_filters,
        num_blocks=FLAGS.num_blocks,
        channels=channels,
        noise_channels=FLAGS.noise_channels,
    )
    guide = _load_guide(GUIDES[method], channels) if method in GUIDES else None
    adversarial = {}
    if method in ADVERSARIAL:
        adversarial = {
            "discriminator_filters": FLAGS.discriminator_filters,
            "instance_noise": FLAGS.instance_noise,
            "final_instance_noise": FLAGS.final_instance_noise,
            "noise_steps": FLAGS.instance_noise_steps or max(1, round(0.8 * FLAGS.steps)),
            "pixel_weight": FLAGS.pixel_weight,
        }
        optimizers["discriminator_optimizer"] = common.make_optimizer(
            learning_rate=FLAGS.discriminator_learning_rate
        )
    model = make_model(method, config, guide, FLAGS.consistency_weight, **adversarial)
    if FLAGS.widen_from:
        import zoo

        model.start_from(zoo.load(FLAGS.widen_from))
    model.compile(**optimizers, **common.compile_kwargs())
    return model


def _load_guide(method, channels):
    """The trained guide of the run `--guide`.

    Raises:
      UserError: it is no run of `method`.
    """
    import json
    import pathlib

    from trainers.checkpoints import find_checkpoint
    from zoo.errors import UserError

    run = pathlib.Path(FLAGS.guide)
    try:
        own = json.loads((run / "flags.json").read_text())
    except (OSError, ValueError):
        raise UserError(f"--guide={run} is no run; expected the --workdir of --method={method}.") from None
    if own.get("method") != method:
        raise UserError(
            f"--guide={run} is a run of --method={own.get('method')}; --method={method} is needed."
        )
    guide = make_guide(method, own["num_filters"], own["num_blocks"], channels, own["deviation"])
    try:
        checkpoint = guide.variables_checkpoint().read(find_checkpoint(run))
        checkpoint.expect_partial().assert_existing_objects_matched()
    except (AssertionError, ValueError):
        raise UserError(
            f"--guide={run} is for pictures of another number of channels than {channels}."
        ) from None
    return guide


if __name__ == "__main__":
    common.main(build)
