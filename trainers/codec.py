"""Trains the image codec of Ballé, Laparra & Simoncelli (2017).

python -m trainers.codec --workdir=runs/codec --data='folder:photos/*.jpg' \
        --flagfile=trainers/presets/bls2017-cpu.flags
"""

import math

from absl import flags

from trainers import common, photographs

FLAGS = flags.FLAGS

flags.DEFINE_integer(
    "patch_size", 256, "Side of a training patch in pixels, a multiple of 16.", lower_bound=16
)
flags.DEFINE_integer("num_filters", 192, "Channels of the transforms and the latents.", lower_bound=1)
flags.DEFINE_list(
    "rate_distortion_weight",
    ["0.01"],
    "λ of the loss: bits per pixel + λ * distortion. Two with a comma between make one model for all rates between.",
)
flags.DEFINE_integer(
    "latent_channels", None, "Channels of the latents, as many as --num_filters unless told.", lower_bound=1
)
flags.DEFINE_string("widen_from", None, "Start from this export for one rate, with further latent channels.")
flags.DEFINE_enum("distortion", "mse", ["mse", "ms_ssim"], "Distortion in the loss.")
flags.DEFINE_bool(
    "freeze_analysis",
    False,
    "Keep the analysis transform of --init_from; fit the synthesis transform and the prior to rounded latents.",
)
flags.adopt_module_key_flags(common)
flags.adopt_module_key_flags(photographs)
flags.register_multi_flags_validator(
    ["distortion", "patch_size"],
    lambda v: v["distortion"] != "ms_ssim" or v["patch_size"] >= 176,
    message="MS-SSIM has five scales, which need patches of 176 pixels or more",
)
flags.register_multi_flags_validator(
    ["freeze_analysis", "init_from"],
    lambda v: v["init_from"] or not v["freeze_analysis"],
    message="--freeze_analysis needs a trained analysis transform; name it with --init_from",
)


def _weights(texts):
    """The flag's λ as a tuple of one or two positive numbers, None where it is something else."""
    try:
        weights = tuple(map(float, texts))
    except ValueError:
        return None
    valid = len(weights) in (1, 2) and 0 < weights[0] <= weights[-1] < math.inf
    return weights if valid and len(set(weights)) == len(weights) else None


flags.register_validator(
    "rate_distortion_weight",
    _weights,
    message="expected one positive number, or two rising ones such as 0.0018,0.18",
)
flags.register_validator("patch_size", lambda v: v % 16 == 0, message="must be a multiple of 16")


def build():
    """The model and its data, as the flags say."""
    import tensorflow as tf

    import zoo
    from zoo.codec.config import BLS2017Config, VariableRateConfig
    from zoo.codec.export import export_codec
    from zoo.codec.model import BLS2017
    from zoo.codec.variable_rate import VariableRateBLS2017
    from zoo.data import pipeline
    from zoo.errors import UserError

    weights = _weights(FLAGS.rate_distortion_weight)
    variable = len(weights) == 2
    model_class, config_class = (
        (VariableRateBLS2017, VariableRateConfig) if variable else (BLS2017, BLS2017Config)
    )
    config = config_class(
        num_filters=FLAGS.num_filters,
        latent_channels=FLAGS.latent_channels,
        rate_distortion_weight=weights if variable else weights[0],
        distortion=FLAGS.distortion,
    )
    model = model_class(config)
    if FLAGS.widen_from and not variable:
        raise UserError(
            "--widen_from is for a model of several rates; for one of the same size, --init_from."
        )
    if FLAGS.widen_from:
        model.start_from(zoo.load(FLAGS.widen_from))
    model.analysis.trainable = not FLAGS.freeze_analysis
    model.compile(optimizer=common.make_optimizer(), **common.compile_kwargs())
    data = photographs.load(FLAGS.patch_size, colour=True)

    def pictures():
        original = data.first
        decoded = model(pipeline.to_float(original)[tf.newaxis])
        decoded = tf.image.convert_image_dtype(decoded, tf.uint8, saturate=True)
        return {"reconstructions": tf.concat([original[tf.newaxis], decoded], axis=2)}

    def export(directory, history):
        print(f"exported to {export_codec(model, directory, history)}")

    return common.Task(
        model, data.train, data.validation, prepare=model.make_tables, pictures=pictures, export=export,
        resident=data.resident, parent=FLAGS.widen_from,
    )  # fmt: skip


if __name__ == "__main__":
    common.main(build)
