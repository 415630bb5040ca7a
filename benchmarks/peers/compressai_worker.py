"""CompressAI's codecs, asked over a pipe. Runs in an environment of its own, started by `benchmarks.codec_inference`.

    python compressai_worker.py THREADS BITS_PER_PIXEL WEIGHTS.npz PICTURE.png …

One line of JSON out, with versions and the names of the codecs, when everything is ready. Then for every line in,
`{"codec": …, "part": "compress" | "decompress" | "check", "picture": 0 …}`, one line out: `{"seconds": …}`, or for
"check" `{"bytes": …, "psnr": …}`. Ends when the input does.

Parts go from pixels at hand, [H, W, 3] uint8, to bytes at hand and back, as those of the other codecs.
"""

import copy
import json
import sys
import time

import numpy as np
import torch
from PIL import Image
from worker import FACTORIZED, SAME_NETWORK  # this folder is where Python finds modules, as a script's

PRIOR_SCALE = 0.2  # of an untrained density; narrow enough for 0.2 bits per pixel where all latents are zero
_KEPT = []


def import_compressai():
    """CompressAI's modules, with a torch that has no torchvision built for it too: the ops' schemas are enough."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _KEPT.append(library)  # else the schemas go again
    import compressai.entropy_models
    import compressai.layers
    import compressai.models.utils

    return compressai


class Center(torch.nn.Module):
    """x * scale + shift."""

    def __init__(self, scale, shift):
        super().__init__()
        self.scale, self.shift = scale, shift

    def forward(self, x):
        return x * self.scale + self.shift


def same_network(compressai, arrays):
    """Our network and tables of CompressAI's layers, entropy model and coder.

    Args:
      compressai: the module.
      arrays: see `benchmarks.codec_inference.write_weights`.

    Returns:
      A `FactorizedPrior`, its transforms replaced.
    """
    utils, layers = compressai.models.utils, compressai.layers

    def convolution(name, stride, inverse=False):
        kernel, bias = (torch.from_numpy(arrays[f"{name}/{key}"]) for key in ("kernel", "bias"))
        support, _, inputs, outputs = kernel.shape
        layer = (utils.deconv if inverse else utils.conv)(inputs, outputs, kernel_size=support, stride=stride)
        layer.weight.data = kernel.permute((2, 3, 0, 1) if inverse else (3, 2, 0, 1)).contiguous()
        layer.bias.data = bias
        return layer

    def gdn(name, inverse=False):
        beta, gamma = (torch.from_numpy(arrays[f"{name}/{key}"]) for key in ("beta", "gamma"))
        layer = layers.GDN(len(beta), inverse=inverse)
        layer.beta.data = layer.beta_reparam.init(beta)
        layer.gamma.data = layer.gamma_reparam.init(gamma.T.contiguous())
        return layer

    model = compressai.models.FactorizedPrior(*2 * [len(arrays["medians"])])
    mean, scale = float(arrays["input_mean"]), float(arrays["input_scale"])
    model.g_a = torch.nn.Sequential(Center(scale, -mean * scale))
    model.g_s = torch.nn.Sequential()
    for i, stride in enumerate((4, 2, 2)):
        model.g_a.extend([convolution(f"analysis/{i}", stride), gdn(f"analysis/{i}")])
    for i, stride in enumerate((2, 2, 4)):
        model.g_s.extend(
            [gdn(f"synthesis/{i}", inverse=True), convolution(f"synthesis/{i}", stride, inverse=True)]
        )
    model.g_s.append(Center(1 / scale, mean))
    set_tables(model.entropy_bottleneck, arrays)
    return model.eval()


def set_tables(bottleneck, arrays):
    """Gives an `EntropyBottleneck` our tables: 12 bits become 16, and the escape is its last symbol as well."""
    bounds = arrays["bounds"][0]
    lengths = np.diff(bounds)
    factor = 1 << (bottleneck.entropy_coder_precision - 12)
    cdf = np.zeros([len(lengths), lengths.max() + 1], np.int32)
    for place, length in enumerate(lengths):
        frequencies = arrays["frequencies"][bounds[place] : bounds[place + 1]]
        cdf[place, 1 : length + 1] = factor * np.cumsum(frequencies)
    by_channel = np.argsort(arrays["channels"][0])
    bottleneck._quantized_cdf = torch.from_numpy(cdf[by_channel])
    bottleneck._cdf_length = torch.from_numpy(lengths[by_channel].astype(np.int32) + 1)
    bottleneck._offset = torch.from_numpy(arrays["offsets"][0][by_channel])
    bottleneck.quantiles.data[:, 0, 1] = torch.from_numpy(arrays["medians"])


def untrained_factorized(compressai, pictures, bits_per_pixel):
    """`bmshj2018-factorized` as for its qualities 1 to 5, with random weights and latents scaled to a rate.

    The last convolution of the analysis gives each channel the median of its density as its mean, and all one
    standard deviation, which is searched for.
    """
    torch.manual_seed(0)
    model = compressai.models.FactorizedPrior(128, 192)
    bottleneck = model.entropy_bottleneck = compressai.entropy_models.EntropyBottleneck(
        192, init_scale=PRIOR_SCALE
    )
    model.eval()
    model.update(update_quantiles=True)
    latents = [model.g_a(to_tensor(picture)) for picture in pictures]
    flat = torch.cat([y.flatten(2) for y in latents], dim=2)[0]
    mean, deviation = flat.mean(1)[:, None, None], flat.std(1)[:, None, None]
    medians = bottleneck.quantiles.data[:, 0, 1]
    pixels = sum(picture.shape[0] * picture.shape[1] for picture in pictures)

    def rate(scale):
        coded = (
            bottleneck.compress((y - mean) / deviation * scale + medians[:, None, None]) for y in latents
        )
        return 8 * sum(len(strings[0]) for strings in coded) / pixels

    low, high = 0.0, 4.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if rate(middle) < bits_per_pixel else (low, middle)
    factor = low / deviation.flatten()
    last = model.g_a[-1]
    last.weight.data *= factor[:, None, None, None]
    last.bias.data = (last.bias - mean.flatten()) * factor + medians
    return model


def to_tensor(picture, memory_format=torch.contiguous_format):
    """[H, W, 3] uint8 -> [1, 3, H, W] float32 in [0, 1]."""
    x = torch.from_numpy(picture).permute(2, 0, 1)[None].to(torch.float32)
    return (x / 255).contiguous(memory_format=memory_format)


class Codec:
    """A model's parts on some pictures; layers keep their channels first or, as some CPUs like it, last."""

    def __init__(self, model, pictures, memory_format):
        self.model = copy.deepcopy(model).to(memory_format=memory_format)
        self.pictures, self.memory_format = pictures, memory_format
        self.files = [self.compress(i) for i in range(len(pictures))]

    def compress(self, i):
        """Returns the bytes of picture i and the size of its latents."""
        code = self.model.compress(to_tensor(self.pictures[i], self.memory_format))
        return code["strings"][0][0], code["shape"]

    def decompress(self, i):
        """Returns picture i as it comes out, [H, W, 3] uint8."""
        data, shape = self.files[i]
        x = self.model.decompress([[data]], shape)["x_hat"]
        return (x[0] * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()

    def check(self, i):
        """What picture i costs, and how good it is."""
        error = np.mean((self.decompress(i).astype(np.float64) - self.pictures[i]) ** 2)
        return {"bytes": len(self.files[i][0]), "psnr": float(10 * np.log10(255**2 / error))}


def answer(codec, part, picture):
    """One line's answer, a dict."""
    if part == "check":
        return codec.check(picture)
    start = time.perf_counter()
    getattr(codec, part)(picture)
    return {"seconds": time.perf_counter() - start}


@torch.inference_mode()
def main():
    """Answers until the input ends."""
    threads, bits_per_pixel, weights, *paths = sys.argv[1:]
    replies, sys.stdout = sys.stdout, sys.stderr  # whatever else is printed is no reply
    torch.set_num_threads(int(threads))
    compressai = import_compressai()
    pictures = [np.array(Image.open(path).convert("RGB")) for path in paths]
    with np.load(weights) as file:
        arrays = dict(file)
    models = {
        FACTORIZED: untrained_factorized(compressai, pictures, float(bits_per_pixel)),
        SAME_NETWORK: same_network(compressai, arrays),
    }
    layouts = {"": torch.contiguous_format, ", channels last": torch.channels_last}
    codecs = {
        name + layout: Codec(model, pictures, memory_format)
        for name, model in models.items()
        for layout, memory_format in layouts.items()
    }
    versions = {"torch": torch.__version__, "compressai": compressai.__version__}
    print(json.dumps({"codecs": list(codecs), "versions": versions}), file=replies, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        reply = answer(codecs[asked["codec"]], asked["part"], asked["picture"])
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    main()
