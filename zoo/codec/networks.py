"""The analysis and synthesis transforms of Ballé, Laparra & Simoncelli (2017), figure 2 and section 2."""

import tensorflow as tf
import tensorflow_compression as tfc

from zoo.layers.signal_conv import SignalConv2D


def _gdn(config, inverse, name):
    return tfc.GDN(
        inverse=inverse,
        alpha_parameter=config.gdn_alpha,
        epsilon_parameter=config.gdn_epsilon,
        name=name,
    )


class AnalysisTransform(tf.keras.Sequential):
    """g_a: pictures to latents, three stages of convolution, subsampling and GDN.

        x -> 9x9 /4 -> GDN -> 5x5 /2 -> GDN -> 5x5 /2 -> GDN -> y

    Inputs [batch, height, width, 3] float in [0, 1]; outputs [batch, ⌈height/16⌉, ⌈width/16⌉, latent_channels].
    Borders are padded with zeros after centring, where the paper used valid convolutions on a picture
    extended by reflection.
    """

    def __init__(self, config, name="analysis"):
        super().__init__(name=name)
        self.add(
            tf.keras.layers.Rescaling(
                config.input_scale, -config.input_mean * config.input_scale, name="center"
            )
        )
        for i, (support, stride) in enumerate([(9, 4), (5, 2), (5, 2)]):
            last = i == 2
            gdn = None if last and not config.bottleneck_gdn else _gdn(config, False, f"gdn_{i}")
            self.add(
                SignalConv2D(
                    config.latent_channels if last else config.num_filters,
                    support,
                    corr=True,
                    strides_down=stride,
                    padding="same_zeros",
                    use_bias=gdn is not None,
                    activation=gdn,
                    name=f"conv_{i}",
                )
            )


class SynthesisTransform(tf.keras.Sequential):
    """g_s: latents to pictures, three stages of IGDN, upsampling and convolution.

        y -> IGDN -> 5x5 *2 -> IGDN -> 5x5 *2 -> IGDN -> 9x9 *4 -> x̂

    Inputs [batch, h, w, latent_channels]; outputs [batch, 16 h, 16 w, 3] float, about [0, 1] but not clipped.
    """

    def __init__(self, config, name="synthesis"):
        super().__init__(name=name)
        if config.bottleneck_gdn:
            self.add(_gdn(config, True, "igdn_0"))
        for i, (support, stride) in enumerate([(5, 2), (5, 2), (9, 4)]):
            last = i == 2
            self.add(
                SignalConv2D(
                    3 if last else config.num_filters,
                    support,
                    corr=False,
                    strides_up=stride,
                    padding="same_zeros",
                    use_bias=True,
                    activation=None if last else _gdn(config, True, f"igdn_{i + 1}"),
                    name=f"conv_{i}",
                )
            )
        # Float32, so that mixed precision costs no grey levels at the end.
        self.add(
            tf.keras.layers.Rescaling(
                1 / config.input_scale, config.input_mean, dtype="float32", name="uncenter"
            )
        )
