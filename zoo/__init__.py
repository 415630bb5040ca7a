"""Toulon: a model zoo in TensorFlow and Keras for the ideas of the opening day of ICLR 2017."""

from zoo.registry import create, list_models, load, load_export

__all__ = ["create", "list_models", "load", "load_export"]
__version__ = "0.1.0"
