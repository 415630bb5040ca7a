"""Packaging. `pip install .` is for using exports; `pip install '.[train]'` for everything else."""

import pathlib
import re
import shutil

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

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
BEAM = ["apache-beam>=2.77,<3"]
# Each release of tensorflow-serving-api asks for the TensorFlow and protobuf of its number, so the range is open.
SERVING = [
    "tensorflow-serving-api>=2.14",
    "grpcio",
    "grpcio-health-checking",
    "aiohttp>=3.9",
    "prometheus-client>=0.16",
    "urllib3>=2",
]
DEV = ["ai-edge-litert==2.3.0", "pytest", "pytest-xdist", "ruff", "scikit-image", "selenium"]

DEFAULT_EXPORT = "bls2017-vr"  # what `toulon compress` takes
NOT_IN_WHEELS = shutil.ignore_patterns("checkpoint", "*.tflite")


class BuildWithExport(build_py):
    """Puts the newest version of the default codec's export into the package, as zoo/exported."""

    def run(self):
        super().run()
        if self.editable_mode:
            return  # a checkout has them all
        newest = max((ROOT / "exported" / DEFAULT_EXPORT).glob("[0-9]*"), key=lambda d: int(d.name))
        target = pathlib.Path(self.build_lib, "zoo", "exported", DEFAULT_EXPORT, newest.name)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(newest, target, ignore=NOT_IN_WHEELS)


setup(
    name="toulon",
    version=VERSION,
    description="A TensorFlow and Keras model zoo for the ideas of ICLR 2017's opening day.",
    long_description=(ROOT / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["zoo", "zoo.*", "trainers", "trainers.*"]),
    package_data={
        "zoo": ["**/*.json", "**/*.png", "**/*.jpg", "**/*.md", "serving/page/*"],
        "trainers": ["presets/*.flags"],
    },
    install_requires=["tensorflow>=2.14", "numpy", "pillow", "absl-py", "tqdm"],
    extras_require={"train": TRAIN + SERVING, "serving": SERVING, "beam": BEAM, "dev": DEV},
    cmdclass={"build_py": BuildWithExport},
    entry_points={"console_scripts": ["toulon = zoo.cli:main"]},
)
