"""Networks against the parameter counts of the authors' code, and against what may not be built."""

import numpy as np
import pytest
import tensorflow as tf

from zoo.errors import UserError
from zoo.gan.config import GANConfig
from zoo.gan.networks import make_critic, make_generator

MLP = {"generator": "mlp", "critic": "mlp", "generator_filters": 512}


def count(model):
    return sum(int(tf.size(variable)) for variable in model.trainable_variables)


@pytest.mark.parametrize(
    ("config", "generator", "critic"),
    [
        ({}, 3_576_704, 2_765_568),
        ({"shape": (32, 32, 3)}, 1_068_928, 663_296),
        (MLP, 6_880_768, 794_881),
    ],
)
def test_published_sizes(config, generator, critic):
    config = GANConfig(**config)
    assert (count(make_generator(config)), count(make_critic(config))) == (generator, critic)


@pytest.mark.parametrize("kind", ["dcgan", "dcgan-plain", "mlp"])
@pytest.mark.parametrize("shape", [(8, 8, 1), (16, 16, 3)])
def test_shapes_and_ranges(kind, shape, noise):
    config = GANConfig(shape=shape, generator=kind, noise_size=5, generator_filters=4, critic_filters=4)
    generator, critic = make_generator(config), make_critic(config)
    examples = generator(10 * noise.normal(size=(3, 5)))
    assert examples.shape == (3, *shape)
    assert np.abs(examples).max() <= 1
    assert critic(examples).shape == (3,)


def test_the_plain_generator_has_one_width_and_no_normalization():
    generator = make_generator(GANConfig(shape=(32, 32, 3), generator="dcgan-plain", generator_filters=7))
    kernels = [variable.shape[2] for variable in generator.trainable_variables[:-1]]
    assert kernels == [7, 7, 7]
    assert not any(isinstance(layer, tf.keras.layers.BatchNormalization) for layer in generator.layers)
    normal = make_generator(GANConfig(shape=(32, 32, 3)))
    plain = make_generator(GANConfig(shape=(32, 32, 3), generator="dcgan-plain"))
    assert count(plain) < count(normal) / 4


def test_initial_values():
    tf.keras.utils.set_random_seed(1)
    critic = make_critic(GANConfig(shape=(32, 32, 3)))
    kernels = [v for v in critic.trainable_variables if v.shape.rank == 4]
    assert [float(np.std(k)) for k in kernels[1:3]] == pytest.approx([0.02, 0.02], rel=0.02)
    scales = [v for v in critic.trainable_variables if "gamma" in v.name]
    assert float(np.mean(scales[-1])) == pytest.approx(1, abs=0.01)
    assert float(np.std(scales[-1])) == pytest.approx(0.02, rel=0.2)


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"objective": "wgan-gp"}, "batch normalization mixes them"),
        ({"shape": (28, 28, 1)}, r"\(28, 28, 1\); a DCGAN needs"),
        ({"critic": "tree"}, "critic is 'tree'"),
    ],
)
def test_what_cannot_be_a_critic(config, complaint):
    with pytest.raises(UserError, match=complaint):
        make_critic(GANConfig(**config))


def test_what_cannot_be_a_generator():
    with pytest.raises(UserError, match="generator is 'tree'"):
        make_generator(GANConfig(generator="tree"))
