"""One door to data of every kind: `zoo.data.load(source, split, …)`."""

from zoo.data.load import load
from zoo.data.source import Source

__all__ = ["Source", "load"]
