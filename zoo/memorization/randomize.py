"""The randomization tests of Zhang et al. (2017), section 2: data from which there is less, or nothing, to be learnt."""

import numpy as np

from zoo.data.source import from_arrays
from zoo.errors import UserError

CONDITIONS = {
    "true": "as the set is",
    "corrupted-labels": "each label by some probability one of all classes at random, which may be the old one",
    "random-labels": "every label one of all classes at random",
    "shuffled-pixels": "one permutation of the pixels for all pictures",
    "random-pixels": "another permutation for each picture",
    "gaussian": "normal noise of the set's mean and deviation, by channel, for pictures",
}
CHUNK = 1000  # pictures worked on at a time


def randomize(source, condition, probability=1.0, seed=0, split="train", classes=None):
    """A set changed once and for all, with what it was.

    Labels are changed in the training split alone: what was learnt is measured on labels that are true. Pixels are changed
    in every split, by one permutation for "shuffled-pixels". Pixels move with all their channels.

    Source: Zhang et al. 2017, section 2.1; the probability of corruption is that of its code.

    Args:
      source: a `zoo.data.source.Source` of labelled pictures of one size, in memory or not.
      condition: one of `CONDITIONS`.
      probability: float, for "corrupted-labels".
      seed: int; the same seed and condition change a set in the same way.
      split: "train" or another one.
      classes: int, of the set; what its labels show unless told.

    Returns:
      A `Source` in memory: "image", uint8, or float32 without limits for "gaussian"; "label", and "true_label", int64, the
      label that was.

    Raises:
      UserError: no such condition, a probability outside of [0, 1], or a set without labels.
    """
    if condition not in CONDITIONS:
        raise UserError(f"condition is {condition!r}; expected one of {', '.join(CONDITIONS)}.")
    if not 0 <= probability <= 1:
        raise UserError(f"probability is {probability}; 0 to 1 is expected.")
    if "label" not in source.features:
        raise UserError(f"{source.name} has no labels; randomization tests need them.")
    arrays = source.stacked()
    images, labels = arrays["image"], arrays["label"].astype(np.int64)
    true_labels = labels
    # What all splits share, and what each has for itself.
    shared, own = (
        np.random.default_rng([seed, 0]),
        np.random.default_rng([seed, 1 if split == "train" else 2]),
    )
    if condition in ("corrupted-labels", "random-labels") and split == "train":
        drawn = own.integers(0, classes or labels.max() + 1, len(labels))
        changed = own.random(len(labels)) < (1 if condition == "random-labels" else probability)
        labels = np.where(changed, drawn, labels)
    elif condition == "shuffled-pixels":
        order = shared.permutation(images.shape[1] * images.shape[2])
        images = _flat(images)[:, order].reshape(images.shape)
    elif condition == "random-pixels":
        images = _in_chunks(images, lambda part: _permute_each(part, own))
    elif condition == "gaussian":
        mean, deviation = _moments(images)
        images = _in_chunks(images, lambda part: _normal_like(part, mean, deviation, own))
    name = f"{source.name}, {condition}" + (f" {probability:g}" if condition == "corrupted-labels" else "")
    return from_arrays(name, {"image": images, "label": labels, "true_label": true_labels})


def _flat(images):
    """[n, h, w, C] -> [n, h w, C]."""
    return images.reshape(len(images), -1, images.shape[-1])


def _in_chunks(images, change):
    return np.concatenate([change(images[i : i + CHUNK]) for i in range(0, len(images), CHUNK)])


def _permute_each(images, rng):
    flat = _flat(images)
    order = rng.random(flat.shape[:2]).argsort(axis=1)
    return np.take_along_axis(flat, order[..., np.newaxis], axis=1).reshape(images.shape)


def _moments(images):
    """Mean and deviation by channel, float64, in chunks."""
    parts = [images[i : i + CHUNK].astype(np.float64) for i in range(0, len(images), CHUNK)]
    count = images[..., 0].size
    mean = sum(part.sum(axis=(0, 1, 2)) for part in parts) / count
    return mean, np.sqrt(sum(((part - mean) ** 2).sum(axis=(0, 1, 2)) for part in parts) / count)


def _normal_like(images, mean, deviation, rng):
    return (mean + deviation * rng.standard_normal(images.shape)).astype(np.float32)
