"""A classifier that is trained here, and what it and other measures say of pictures."""

import numpy as np

from zoo.errors import UserError
from zoo.files import writing

FEW = 500  # pictures of which all pairs are compared
SMALLEST = 28  # pixels: MS-SSIM with three scales


class Judge:
    """A classifier trained on a set's pictures, and what it says of others.

    Args:
      run: a `zoo.experiments.Run`; the trained classifier is kept in its directory.
      source: str, see `zoo.data.load`, with splits train and test.
      count: int, pictures of a measurement.
      steps: int, of its training.
      grey_classes: int, how many classes of grey pictures there must be; None for any.
      largest: int, side that pictures may have, pixels; None for any.

    Attributes:
      train, test: [n, s, s, C] uint8.
      classes: int.
      accuracy: on the test pictures.

    Raises:
      UserError: the set has no labels, pictures below 28 pixels, or others than `grey_classes` and `largest` say.
    """

    def __init__(self, run, source, count, steps, grey_classes=None, largest=None):
        import zoo.data
        from zoo.data.squares import load_squares
        from zoo.gan import classifier

        side = min(zoo.data.load(source, "train")[0]["image"].shape[:2])
        first, second = (load_squares(source, side, split) for split in ("train", "test"))
        if "label" not in first.features:
            raise UserError(f"{source} has no labels; this experiment needs them.")
        if side < SMALLEST or (largest and side > largest):
            limits = f"{SMALLEST} to {largest}" if largest else f"{SMALLEST} or more"
            raise UserError(f"the pictures of {source} have {side} pixels; {limits} each way are expected.")
        self.train, self.test = first.arrays["image"], second.arrays["image"]
        labels = [part.arrays["label"] for part in (first, second)]
        self.count, self.classes = count, int(labels[0].max()) + 1
        if grey_classes and (self.train.shape[-1] != 1 or self.classes != grey_classes):
            raise UserError(
                f"{source} has {self.classes} classes and {self.train.shape[-1]} channels; "
                f"expected grey pictures of {grey_classes} classes."
            )
        path = run.out / "judge.npz"
        if path.exists():
            self.model = classifier.make_classifier(self.train.shape[1:], self.classes)
            with np.load(path) as arrays:
                self.model.set_weights([arrays[name] for name in arrays.files])
        else:
            self.model = classifier.train_classifier(self.train, labels[0], steps)
            run.out.mkdir(parents=True, exist_ok=True)
            with writing(path) as temporary:
                np.savez(temporary, *self.model.get_weights())
        self.accuracy = classifier.accuracy(self.model, self.test, labels[1])
        self.real = self.test[: self.count].astype(np.float32) / 127.5 - 1
        self.features = classifier.classify(self.model, self.real)[1]

    def control(self, name):
        """Pictures in [-1, 1] that stand for what is best and what is worst: of the training set, or of noise."""
        if name == "data":
            others = self.train[
                min(FEW, len(self.train) // 2) :
            ]  # than those that pictures are compared with
            return others[-self.count :].astype(np.float32) / 127.5 - 1
        return np.random.default_rng(0).uniform(-1, 1, self.real.shape).astype(np.float32)

    def measure(self, images):
        """All measures of pictures [n, s, s, C] in [-1, 1]: dict."""
        from zoo.gan import image_metrics as metrics
        from zoo.gan.classifier import classify

        probabilities, features = classify(self.model, images)
        statistics = metrics.class_statistics(probabilities)
        count = min(FEW, len(self.real), len(images))
        train = self.train[:count].astype(np.float32) / 127.5 - 1
        return statistics | {
            "kernel_distance": metrics.kernel_distance(self.features, features),
            "pyramid_distance": metrics.pyramid_distance(train, images[:count]),
            "diversity": metrics.diversity(images),
            "duplicates": metrics.duplicates(images[:count], train),
        }
