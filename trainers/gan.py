"""Trains generative adversarial networks: the standard GAN, the Wasserstein GAN by clipping and by gradient penalty.

python -m trainers.gan --workdir=runs/mnist --data=idx:mnist --flagfile=trainers/presets/wgan-gp-mlp.flags

A step is one of the critic; the generator has its turn after every few, see --critic_steps.
"""

from absl import flags

from trainers import common
from zoo.gan.config import OBJECTIVES, GANConfig

FLAGS = flags.FLAGS

flags.DEFINE_string("data", "synthetic:shapes?height=32&width=32", "Training pictures, see zoo.data.load.")
flags.DEFINE_string(
    "validation_data",
    None,
    "Pictures held out, for the estimate; the set's test split unless told, where it has one.",
)
flags.DEFINE_enum("objective", "wgan", OBJECTIVES, "Game of the two networks.")
flags.DEFINE_enum("generator", "dcgan", ["dcgan", "dcgan-plain", "mlp"], "Generator.")
flags.DEFINE_enum("critic", "dcgan", ["dcgan", "mlp"], "Critic or discriminator.")
flags.DEFINE_integer("image_size", 32, "Side of pictures in pixels.", lower_bound=4)
flags.DEFINE_integer("noise_size", 100, "Entries of the noise.", lower_bound=1)
flags.DEFINE_integer("generator_filters", 64, "Width of the generator next to the picture.", lower_bound=1)
flags.DEFINE_integer("critic_filters", 64, "Width of the critic next to the picture.", lower_bound=1)
flags.DEFINE_integer("hidden_layers", 3, "Hidden layers of mlp.", lower_bound=1)
flags.DEFINE_bool("tanh", True, "End the generator with a tanh; the authors' mlp has none.")
flags.DEFINE_bool(
    "batch_norm", None, "Normalize a dcgan critic by batch statistics; true unless told, but for wgan-gp."
)
flags.DEFINE_integer(
    "critic_steps",
    None,
    "Steps of the critic for each of the generator; 5 unless told, 1 for minimax and non-saturating.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "warmup_turns",
    None,
    "First turns of the generator, of 100 critic steps each; 25 for wgan.",
    lower_bound=0,
)
flags.DEFINE_float("clip", 0.01, "Limit of a wgan critic's weights.", lower_bound=1e-6)
flags.DEFINE_float("penalty_weight", 10.0, "Of the gradient penalty of wgan-gp.", lower_bound=0)
flags.DEFINE_bool("one_sided", False, "Penalize slopes above 1 only.")
flags.DEFINE_float("instance_noise", 0.0, "Standard deviation of instance noise at first.", lower_bound=0)
flags.DEFINE_integer(
    "instance_noise_steps",
    None,
    "Steps over which it falls to nothing, 0 if it stays; 4/5 of --steps unless told. Give it where --steps will be raised later.",
    lower_bound=0,
)
flags.DEFINE_float("generator_learning_rate", None, "As --learning_rate unless told.", lower_bound=0)
flags.DEFINE_float("beta_1", 0.5, "Of Adam.", lower_bound=0, upper_bound=1)
flags.DEFINE_float("beta_2", None, "Of Adam; 0.9 for wgan-gp, 0.999 otherwise.", lower_bound=0, upper_bound=1)
flags.adopt_module_key_flags(common)

FLAGS.set_default("batch_size", 64)
FLAGS.set_default("steps", 20000)

SHEET = 64  # pictures on a sheet
WITH_SPLITS = ("idx", "synthetic", "tfds")  # kinds of sources that have pictures held out
# Optimizers as the papers have them, taken where flags are left out.
_ADAM = {"optimizer": "adam", "learning_rate": 2e-4, "beta_2": 0.999}
OPTIMIZERS = {
    "minimax": _ADAM,
    "non-saturating": _ADAM,
    "wgan": {"optimizer": "rmsprop", "learning_rate": 5e-5, "beta_2": 0.999},
    "wgan-gp": {"optimizer": "adam", "learning_rate": 1e-4, "beta_2": 0.9},
}


def settle():
    """Gives flags that were left out what suits the objective."""
    suited = GANConfig.suited(FLAGS.objective)
    values = {name: getattr(suited, name) for name in ("critic_steps", "warmup_turns", "batch_norm")}
    for name, value in (values | OPTIMIZERS[FLAGS.objective]).items():
        if not FLAGS[name].present:
            setattr(FLAGS, name, value)


def build():
    """The model and its data, as the flags say."""
    import tensorflow as tf

    from zoo.data import pipeline
    from zoo.data.squares import load_squares, to_signed
    from zoo.gan.model import GAN
    from zoo.images.sheets import make_sheet

    pictures = load_squares(FLAGS.data, FLAGS.image_size)
    held_out = load_held_out(pictures)
    check(pictures, held_out)
    names = (
        "objective", "generator", "critic", "noise_size", "generator_filters", "critic_filters", "hidden_layers", "tanh",
        "batch_norm", "critic_steps", "warmup_turns", "clip", "penalty_weight", "one_sided", "instance_noise",
    )  # fmt: skip
    noise_steps = FLAGS.instance_noise_steps
    config = GANConfig(
        shape=pictures.features["image"][1], **{name: FLAGS[name].value for name in names},
        instance_noise_steps=max(1, round(0.8 * FLAGS.steps)) if noise_steps is None else noise_steps,
    )  # fmt: skip
    model = GAN(config)
    betas = {"beta_1": FLAGS.beta_1, "beta_2": FLAGS.beta_2} if FLAGS.optimizer == "adam" else {}
    model.compile(
        common.make_optimizer(**betas),
        generator_optimizer=common.make_optimizer(
            learning_rate=FLAGS.generator_learning_rate, steps=config.turns(FLAGS.steps), **betas
        ),
        **common.compile_kwargs(dense=FLAGS.generator == FLAGS.critic == "mlp"),
    )

    def signed(batch):
        return {"image": to_signed(batch["image"]), "seed": batch["seed"]}

    def train(start_step, stop_step, context):
        return pipeline.batches(
            pictures, FLAGS.batch_size, seed=FLAGS.seed, start_step=start_step, stop_step=stop_step, context=context
        ).map(signed)  # fmt: skip

    resident = None
    if FLAGS.driver == "resident":
        draw = pipeline.resident_batches(pictures, FLAGS.batch_size, seed=FLAGS.seed)

        def resident(*args):
            return signed(draw(*args))

    validation = None
    if held_out:
        size = min(FLAGS.batch_size, len(held_out))
        validation = pipeline.batches(held_out, size, seed=0, stop_step=len(held_out) // size, shuffle=False)
        validation = validation.map(signed)

    def sheets():
        alone = (
            tf.distribute.get_strategy().num_replicas_in_sync == 1
        )  # replicas have statistics of their own
        samples = model.sample(SHEET, seed=FLAGS.seed, training=alone)
        return {"samples": make_sheet(tf.convert_to_tensor(samples))[tf.newaxis]}

    def export(directory, history):
        from zoo.gan.export import export_gan

        print(f"exported to {export_gan(model, directory, history)}")

    return common.Task(model, train, validation, pictures=sheets, export=export, resident=resident)


def load_held_out(pictures):
    """The pictures for evaluation, a `zoo.data.source.Source`, or None."""
    from zoo.data.squares import load_squares

    if FLAGS.validation_data:
        return load_squares(FLAGS.validation_data, FLAGS.image_size, "test")
    if pictures.name.partition(":")[0] in WITH_SPLITS:
        return load_squares(FLAGS.data, FLAGS.image_size, "test")
    return None


def check(pictures, held_out):
    """Raises a `UserError` if training cannot be on these pictures, or not in this way."""
    import tensorflow as tf

    from zoo.errors import UserError

    if FLAGS.batch_size > len(pictures):
        raise UserError(
            f"--batch_size={FLAGS.batch_size} is more than {pictures.name} has, {len(pictures)} pictures; take fewer."
        )
    shapes = [source.features["image"][1] for source in (pictures, held_out) if source]
    if shapes[0] != shapes[-1]:
        raise UserError(
            f"{pictures.name} has {shapes[0][-1]} channels and {held_out.name} {shapes[-1][-1]}; take equal ones."
        )
    if FLAGS.precision == "mixed_float16":
        raise UserError(
            "--precision=mixed_float16 loses the small gradients of the two players; take mixed_bfloat16."
        )
    if FLAGS.optimizer != "adam" and (FLAGS["beta_1"].present or FLAGS["beta_2"].present):
        raise UserError(f"--beta_1 and --beta_2 are Adam's; --optimizer={FLAGS.optimizer} has none.")
    if FLAGS.driver == "resident" and tf.distribute.get_strategy().num_replicas_in_sync > 1:
        raise UserError("--driver=resident has one replica here; use --driver=fit with several.")


if __name__ == "__main__":
    common.main(build, settle)
