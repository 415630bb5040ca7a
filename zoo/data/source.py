"""What every source of data looks like: a sequence of examples one can index."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np


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
    get: Callable[[int], Mapping[str, np.ndarray]]
    features: Mapping[str, tuple]
    arrays: Mapping[str, np.ndarray] | None = None

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        if not 0 <= index < self.size:
            raise IndexError(f"example {index} of {self.name}, which has {self.size}")
        return self.get(int(index))
