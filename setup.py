"""Packaging. `pip install .` is for using exports; `pip install '.[train]'` for everything else."""

import pathlib
import re

from setuptools import find_packages, setup

ROOT = pathlib.Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (ROOT / "zoo" / "__init__.py").read_text())[1]

# TensorFlow 2.14 is the last with tensorflow-compression, and needs protobuf 4; tensorflow-metadata from 1.18 on
# does not import with it, and tensorflow-datasets forgets to ask for importlib_resources. See BUILD.md.
TRAIN = [
    "tensorflow==2.14.1",
    "tensorflow-compression==2.14.1",
    "tensorflow-datasets==4.9.10",
    "tensorflow-metadata>=1.15,<1.18",
    "tensorflow-serving-api==2.14.1",
    "importlib_resources",
    "setuptools<82",
    "protobuf>=4.25,<5",
    "numpy>=1.26,<2",
    "scipy",
    "matplotlib",
]
DEV = ["ai-edge-litert==2.3.0", "pytest", "pytest-xdist", "ruff", "scikit-image"]

setup(
    name="toulon",
    version=VERSION,
    description="A TensorFlow and Keras model zoo for the ideas of ICLR 2017's opening day.",
    long_description=(ROOT / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["zoo", "zoo.*", "trainers", "trainers.*"]),
    package_data={"zoo": ["**/*.json", "**/*.png", "**/*.jpg", "**/*.md"], "trainers": ["presets/*.flags"]},
    install_requires=["tensorflow>=2.14", "numpy", "pillow", "absl-py", "tqdm"],
    extras_require={"train": TRAIN, "dev": DEV},
    entry_points={"console_scripts": ["toulon = zoo.cli:main"]},
)
