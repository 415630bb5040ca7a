"""The network of super-resolution in PyTorch, channels last, in a process of its own: superres_worker.py THREADS WEIGHTS.

WEIGHTS is an .npz of "first", "block_I/expand", "block_I/contract" and "last", each with /kernel [k, k, in, out] and /bias
[out], and "input" [1, h, w, 3]. For every line on the standard input it runs once, and answers in JSON: seconds. The first
answer is the versions, and the largest difference to "output" [1, 4 h, 4 w, 3].
"""

import json
import sys
import time

import numpy as np
import torch
from torch import nn


def convolution(arrays, name):
    """A convolution that keeps the size, with the weights of `name`."""
    kernel = torch.from_numpy(arrays[f"{name}/kernel"].transpose(3, 2, 0, 1).copy())
    layer = nn.Conv2d(kernel.shape[1], kernel.shape[0], kernel.shape[2], padding=kernel.shape[2] // 2)
    layer.weight.data, layer.bias.data = kernel, torch.from_numpy(arrays[f"{name}/bias"])
    return layer


class Network(nn.Module):
    """As `zoo.superres.networks.SubpixelNetwork`."""

    def __init__(self, arrays):
        super().__init__()
        self.first = convolution(arrays, "first")
        count = len({key.split("/")[0] for key in arrays if key.startswith("block_")})
        self.blocks = nn.ModuleList(
            nn.Sequential(
                convolution(arrays, f"block_{i}/expand"), nn.ReLU(inplace=True), convolution(arrays, f"block_{i}/contract")
            )
            for i in range(count)
        )  # fmt: skip
        last = convolution(arrays, "last")
        # Ours makes pixels of channels in the order (row, column, colour), PyTorch's in (colour, row, column).
        scale = int((last.out_channels // 3) ** 0.5)
        order = np.arange(last.out_channels).reshape(scale, scale, 3).transpose(2, 0, 1).ravel()
        last.weight.data, last.bias.data = last.weight.data[order], last.bias.data[order]
        self.last, self.shuffle = last, nn.PixelShuffle(scale)

    def forward(self, images):
        """[1, 3, h, w] -> [1, 3, s h, s w]."""
        first = features = self.first(images - 0.5)
        for block in self.blocks:
            features = features + block(features)
        return self.shuffle(self.last(first + features))


def main():
    """Answers until the input ends."""
    torch.set_num_threads(int(sys.argv[1]))
    arrays = dict(np.load(sys.argv[2]))
    network = Network(arrays).eval().to(memory_format=torch.channels_last)
    images = (
        torch.from_numpy(arrays["input"]).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    )
    with torch.inference_mode():
        error = (network(images).permute(0, 2, 3, 1) - torch.from_numpy(arrays["output"])).abs().max().item()
        print(json.dumps({"versions": {"torch": torch.__version__}, "error": error}), flush=True)
        for _ in sys.stdin:
            start = time.perf_counter()
            network(images)
            print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)


if __name__ == "__main__":
    main()
