"""The judge of generated pictures learns, and answers with probabilities."""

import numpy as np

from zoo.data.squares import load_squares, to_signed
from zoo.gan.classifier import accuracy, classify, train_classifier


def test_it_learns_orientations():
    source = "synthetic:gradients?height=12&width=12&channels=1&classes=3&examples=300"
    first, second = (load_squares(source, 12, split).arrays for split in ("train", "test"))
    model = train_classifier(first["image"], first["label"], steps=150)
    assert accuracy(model, second["image"], second["label"]) > 0.6  # by chance a third
    probabilities, features = classify(model, to_signed(second["image"][:7]), batch=3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert (probabilities.shape, features.shape) == ((7, 3), (7, 128))
