"""What every source of data looks like: a sequence of examples one can index."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from zoo.errors import UserError


@dataclasses.dataclass(frozen=True)
class Source:
    """A finite, randomly accessible set of examples.

    Attributes:
      name: the string it was loaded from, such as "folder:photos/*.png".
      size: int, number of examples.
      get: function of an index, 0 <= index < size, to an example: a dict of numpy arrays, among them "image",
        [height, width, channels] uint8, and "label", a scalar int64, where the set has labels.
      features: dict of feature name to (dtype, shape), with None for what differs between examples.
      arrays: the same data as a dict of stacked arrays, [size, ...], if they are in memory already; else None.
    """

    name: str
    size: int
    get: Callable[[int], Mapping[str, np.ndarray]] = dataclasses.field(repr=False)
    features: Mapping[str, tuple]
    arrays: Mapping[str, np.ndarray] | None = dataclasses.field(default=None, repr=False)

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        if not 0 <= index < self.size:
            raise IndexError(f"example {index} of {self.name}, which has {self.size}")
        return self.get(int(index))

    def stacked(self):
        """The whole set as a dict of arrays, [size, ...]; reads every example that is not in memory yet.

        Raises:
          UserError: the pictures differ in size.
        """
        if self.arrays is not None:
            return self.arrays
        examples = [self.get(index) for index in range(self.size)]
        shapes = {example["image"].shape for example in examples}
        if len(shapes) > 1:
            raise UserError(
                f"{self.name} has pictures of any size (here {len(shapes)}), which make no array; use --driver=fit."
            )
        return {name: np.stack([example[name] for example in examples]) for name in self.features}


def from_arrays(name, arrays):
    """A `Source` over stacked arrays.

    Args:
      name: str.
      arrays: dict of feature name to array, all of the same length: "image" [size, height, width, channels]
        uint8, perhaps "label" [size] int64.

    Returns:
      A `Source`.
    """

    def get(index):
        return {feature: array[index] for feature, array in arrays.items()}

    features = {feature: (array.dtype.name, array.shape[1:]) for feature, array in arrays.items()}
    return Source(name, len(arrays["image"]), get, features, arrays)


def check_split(name, split, known):
    """Raises a `UserError` that says which splits there are, unless `split` is one of them."""
    if split not in known:
        raise UserError(f"{name} has no split {split!r}; expected one of {', '.join(known)}.")
