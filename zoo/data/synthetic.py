"""Computed pictures, for tests, smoke runs and controls: "synthetic:NAME?key=value&…"."""

import numpy as np

from zoo.data.source import Source, check_split
from zoo.errors import UserError

# What every kind takes, and the smallest value.
OPTIONS = {
    "height": (64, 1),
    "width": (64, 1),
    "channels": (3, 1),
    "classes": (10, 1),
    "examples": (1024, 1),
    "seed": (0, 0),
}
SPLITS = {"train": 0, "test": 1}


def load_synthetic(spec, split):
    """Pictures that are a function of (seed, split, index).

    Args:
      spec: str, "NAME" or "NAME?key=value&…". Names:
        "noise": independent uniform bytes, and a label drawn independently of them;
        "gradients": a linear ramp between two colours; the label is the orientation: which of `classes`
          equal sectors of the half circle from "to the right" by "down" to "to the left" it lies in;
        "shapes": ellipses, rectangles and triangles with smooth shading and sharp antialiased edges, over a
          shaded ground; the label, less than three, is the kind of the one on top, in this order.
        Keys: height, width (64), channels (3), classes (10; not of shapes), examples (1024), seed (0).
      split: "train" or "test": different pictures of the same kind.

    Returns:
      A `Source` with "image" [height, width, channels] uint8 and "label" int64.

    Raises:
      UserError: an unknown name, key or split, or a value that is not a number in range.
    """
    kind, _, query = spec.partition("?")
    name = f"synthetic:{spec}"
    if kind not in MAKERS:
        raise UserError(f"{name}: there is no {kind!r}; expected one of {', '.join(MAKERS)}.")
    check_split(name, split, SPLITS)
    options = _parse(name, query)
    make = MAKERS[kind]

    def get(index):
        rng = np.random.default_rng([options["seed"], SPLITS[split], index])
        image, label = make(rng, options)
        return {"image": image, "label": np.int64(label)}

    shape = (options["height"], options["width"], options["channels"])
    return Source(name, options["examples"], get, {"image": ("uint8", shape), "label": ("int64", ())})


def _parse(name, query):
    """The options of a source string, defaults filled in."""
    options = {key: default for key, (default, _) in OPTIONS.items()}
    for part in query.split("&") if query else []:
        key, _, value = part.partition("=")
        if key not in OPTIONS:
            raise UserError(f"{name}: there is no option {key!r}; expected some of {', '.join(OPTIONS)}.")
        lowest = OPTIONS[key][1]
        if not value.isdecimal() or int(value) < lowest:
            raise UserError(f"{name}: {key} is {value!r}; expected a whole number from {lowest} on.")
        options[key] = int(value)
    return options


def noise(rng, options):
    """Uniform noise and an unrelated label."""
    shape = (options["height"], options["width"], options["channels"])
    return rng.integers(256, size=shape, dtype=np.uint8), rng.integers(options["classes"])


def gradients(rng, options):
    """A ramp between two colours, and the sector of its orientation."""
    part = rng.random()
    image = _ramp(rng, np.pi * part, *_grid(options), options["channels"])
    return _to_uint8(image), int(part * options["classes"])


def shapes(rng, options):
    """Shaded shapes over a shaded ground, and the kind of the last."""
    y, x = _grid(options)
    channels = options["channels"]
    image = _ramp(rng, 2 * np.pi * rng.random(), y, x, channels)
    for _ in range(rng.integers(4, 9)):
        kind = rng.integers(3)
        size = min(options["height"], options["width"]) * rng.uniform(0.1, 0.35)
        angle = rng.uniform(0, 2 * np.pi)
        # u and v: coordinates along the shape's own axes, in pixels
        dy = y - rng.uniform(y[0, 0], y[-1, 0])
        dx = x - rng.uniform(x[0, 0], x[0, -1])
        u = np.cos(angle) * dx + np.sin(angle) * dy
        v = (np.cos(angle) * dy - np.sin(angle) * dx) * rng.uniform(1, 2)  # not always as high as wide
        inside = INSIDE[kind](u, v, size)
        cover = np.clip(inside + 0.5, 0, 1)[..., np.newaxis]  # of each pixel, which is about one wide
        image += cover * (_ramp(rng, angle, y, x, channels) - image)
    return _to_uint8(image), kind


def _grid(options):
    """Coordinates of the pixels, origin in the middle: [height, 1] and [1, width]."""
    height, width = options["height"], options["width"]
    return np.arange(height)[:, np.newaxis] - (height - 1) / 2, np.arange(width)[np.newaxis] - (width - 1) / 2


def _ramp(rng, angle, y, x, channels):
    """[height, width, channels] float in [0, 255]: from one random colour to another in the given direction."""
    along = np.cos(angle) * x + np.sin(angle) * y
    reach = np.abs(along).max() or 1
    part = (along / reach + 1)[..., np.newaxis] / 2  # in [0, 1]
    low, high = rng.uniform(0, 255, (2, channels))
    return low + (high - low) * part


def _to_uint8(image):
    return np.round(image).astype(np.uint8)


# How far inside a shape a point is, about in pixels, negative outside.
INSIDE = (
    lambda u, v, size: size - np.hypot(u, v),
    lambda u, v, size: size - np.maximum(np.abs(u), np.abs(v)),
    lambda u, v, size: (
        size / 2 - np.max([np.cos(t) * u + np.sin(t) * v for t in np.pi * np.array([0, 2, 4]) / 3], 0)
    ),
)

MAKERS = {"noise": noise, "gradients": gradients, "shapes": shapes}
