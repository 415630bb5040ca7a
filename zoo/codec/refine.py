"""Better encoding of one picture: its latents, refined by gradient through rate and distortion.

The analysis transform answers for all pictures with one pass; the latents of the picture at hand can be chosen
better. Any decoder reads the result. The method is that of Yang, Bamler & Mandt 2020, "Improving inference for neural
image compression", stochastic Gumbel annealing, with a tenth of its steps: a third of its noise and a scale of the
gradient for Adam's epsilon make it converge in dozens of iterations instead of thousands.
"""

import functools
import itertools

import numpy as np
import tensorflow as tf

from zoo.codec.config import TOTAL_STRIDE
from zoo.codec.distortions import DISTORTIONS
from zoo.codec.frozen import to_uint8
from zoo.metrics.ms_ssim import MIN_SIDE

ITERATIONS = (0, 4, 6, 9, 14, 20, 30, 45, 65, 100)  # of each effort
BETWEEN_CHECKS = 10  # iterations after which the rounded latents are tried
TEMPERATURES = 0.7, 0.3  # of rounding, at the beginning and at the end
NOISE = 0.3  # of the Gumbel noise
LEARNING_RATES = 0.2, 0.02  # in steps of quantization
EPSILON = 0.3  # of the root mean square of all gradients: what hardly matters hardly moves
TILE = 48  # latents each way, refined at a time
CONTEXT = 4  # latents around them: their pixels reach two further, and these pixels depend on two more


def refine(codec, image, coefficients, symbols, quality, effort):
    """Chooses the latents of a picture anew, for the rate–distortion cost the codec was trained for.

    Args:
      codec: a `zoo.codec.files.FileCodec`.
      image: [height, width, 3] uint8.
      coefficients: [h, w, C] float32, latents before rounding, see `FileCodec.transform`.
      symbols: [h, w, C] int16, the same rounded, see `FileCodec.quantize`.
      quality: int, from 1 on.
      effort: int from 0 to 9, up to 100 iterations of about the time of two encodings each.

    Returns:
      [h, w, C] int16. Bits + λ · distortion are not above those of `symbols`. (With MS-SSIM for distortion that is
      so tile by tile: it does not add up over pictures of more than one. Tiles too small for it stay as they are.)
    """
    # The coder will choose anew, for what comes out, and not take more bits than with these.
    tables = codec.choose_tables(symbols, quality)
    symbols = symbols.copy()
    for rows in _tiles(symbols.shape[0]):
        for columns in _tiles(symbols.shape[1]):
            outer = tuple(slice(max(0, s.start - CONTEXT), s.stop + CONTEXT) for s in (rows, columns))
            pixels = tuple(slice(TOTAL_STRIDE * s.start, TOTAL_STRIDE * s.stop) for s in outer)
            inner = np.zeros([*symbols.shape[:2], 1], np.float32)
            inner[rows, columns] = 1
            _refine_tile(
                codec, image[pixels], coefficients[outer], symbols[outer], inner[outer], tables[outer], quality,
                ITERATIONS[effort],
            )  # fmt: skip
    return symbols


def _tiles(size):
    """Slices of about equal length, none longer than a tile."""
    edges = np.linspace(0, size, -(-size // TILE) + 1).round().astype(int)
    return [slice(start, stop) for start, stop in itertools.pairwise(edges)]


def _refine_tile(codec, image, coefficients, symbols, inner, tables, quality, iterations):
    """Refines the latents where `inner` is 1, in place."""
    if codec.distortion == "ms_ssim" and min(image.shape[:2]) < MIN_SIDE:
        return
    cost, optimize = _functions(codec)
    scale, step = codec.quantization(quality)
    # Channels that are silent stay so: waking one up costs more than it brings.
    movable = inner * np.any(symbols, axis=(0, 1))
    start = np.where(movable, coefficients * scale, symbols).astype(np.float32)[np.newaxis]
    setting = {
        "image": tf.constant(image[np.newaxis], tf.float32),
        "tables": tf.constant(tables[np.newaxis]),
        "step": step,
        "weight": codec.weights[quality - 1],
    }
    best = float(cost(symbols[np.newaxis].astype(np.int32), **setting))
    state = (start, np.zeros_like(start), np.zeros_like(start))
    for first in range(0, iterations, BETWEEN_CHECKS):
        last = min(first + BETWEEN_CHECKS, iterations)
        state = optimize(
            state, movable, tf.constant(first), tf.constant(last), tf.constant(iterations), **setting
        )
        found = np.round(state[0].numpy()).astype(np.int32)
        value = float(cost(found, **setting))
        if value < best:
            best = value
            symbols[:] = found[0]


@functools.lru_cache(maxsize=4)
def _functions(codec):
    """The graphs for a codec: cost of whole latents, and steps of the optimizer."""
    latents = tf.TensorSpec([1, None, None, None], tf.float32)
    setting = {
        "image": tf.TensorSpec([1, None, None, 3], tf.float32),
        "tables": tf.TensorSpec([1, None, None], tf.int32),
        "step": tf.TensorSpec([None], tf.float32),
        "weight": tf.TensorSpec([], tf.float32),
    }
    measure = DISTORTIONS[codec.distortion]

    def distortion(pixels, image):
        pixels = pixels[:, : tf.shape(image)[1], : tf.shape(image)[2]]  # what is beyond the picture is free
        return measure(image / 255, pixels / 255)

    def total(bits, distortions, image, weight):
        """Bits + λ · distortion, of all pixels: scalar."""
        pixels = tf.cast(tf.reduce_prod(tf.shape(image)[1:3]), tf.float32)
        return tf.reduce_sum(bits) + pixels * weight * distortions[0]

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, None], tf.int32), *setting.values()])
    def cost(symbols, image, tables, step, weight):
        pixels = codec.inverse_transform(tf.cast(symbols, tf.float32) * step)
        pixels = tf.cast(to_uint8(pixels), tf.float32)
        bits = codec.table_bits.of_symbols(symbols, tables)
        return total(bits, distortion(pixels, image), image, weight)

    def soft_cost(values, temperature, seed, image, tables, step, weight):
        """The cost with rounding up, or down, as a soft and noisy decision."""
        below = tf.floor(values)
        part = tf.clip_by_value(values - below, 1e-5, 1 - 1e-5)
        uniform = tf.random.stateless_uniform(tf.shape(values), seed, 1e-6, 1 - 1e-6)
        gumbel = tf.math.log(uniform) - tf.math.log(1 - uniform)  # the difference of two
        logits = (tf.atanh(part) - tf.atanh(1 - part)) / temperature
        up = tf.sigmoid((logits + NOISE * gumbel) / temperature)
        symbols = tf.cast(below, tf.int32)
        bits = [codec.table_bits.of_symbols(s, tables) for s in (symbols, symbols + 1)]
        pixels = codec.inverse_transform((below + up) * step)
        return total(bits[0] + up * (bits[1] - bits[0]), distortion(pixels, image), image, weight)

    @tf.function(
        input_signature=[(latents, latents, latents), tf.TensorSpec([None, None, None]), *3 * [tf.TensorSpec([], tf.int32)], *setting.values()]
    )  # fmt: skip
    def optimize(state, movable, first, last, iterations, image, tables, step, weight):
        values, mean, square = state
        for i in tf.range(first, last):
            done = tf.cast(i, tf.float32) / tf.cast(iterations, tf.float32)
            temperature = TEMPERATURES[0] * (TEMPERATURES[1] / TEMPERATURES[0]) ** done
            rate = LEARNING_RATES[0] + (LEARNING_RATES[1] - LEARNING_RATES[0]) * done
            with tf.GradientTape() as tape:
                tape.watch(values)
                loss = soft_cost(values, temperature, tf.stack([0, i]), image, tables, step, weight)
            gradient = tape.gradient(loss, values) * movable
            # Adam, Kingma & Ba 2015, algorithm 1, but for the epsilon
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.99 * square + 0.01 * gradient**2
            count = tf.cast(i + 1, tf.float32)
            slope, size = mean / (1 - 0.9**count), square / (1 - 0.99**count)
            epsilon = EPSILON * tf.sqrt(tf.reduce_mean(size)) + 1e-12
            values -= rate * slope / (tf.sqrt(size) + epsilon)
        return values, mean, square

    return cost, optimize
