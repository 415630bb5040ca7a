"""The models by name. Strings only: listing imports neither TensorFlow nor any paper."""

import contextlib
import dataclasses
import fnmatch
import gc
import importlib
import json
import os
import pathlib

from zoo.errors import UserError


@dataclasses.dataclass(frozen=True)
class Entry:
    """A model that can be made by name.

    Attributes:
      name: str, also the name of its export and of the servable.
      paper: str, the folder of `zoo` it lives in.
      factory: "module:callable", takes the config and returns a `tf.keras.Model`.
      exporter: "module:callable", takes a trained model, the directory of its export and the phases of training.
      config: "module:class", a frozen dataclass with the paper's values as defaults.
      overrides: dict, the values of the config in which this model differs from the paper.
      lite: bool, whether its export has `.tflite` files.
      summary: str, one line.
    """

    name: str
    paper: str
    factory: str
    exporter: str
    config: str
    summary: str
    overrides: dict = dataclasses.field(default_factory=dict)
    lite: bool = True

    def make_config(self, **changes):
        """The model's config with `changes` applied.

        Raises:
          UserError: the config has no such field.
        """
        config = resolve(self.config)
        known = {field.name for field in dataclasses.fields(config)}
        for name in changes:
            if name not in known:
                raise UserError(f"{self.name} has no {name!r}; its config has {', '.join(sorted(known))}.")
        return config(**(self.overrides | changes))


_BLS2017 = {
    "paper": "codec",
    "factory": "zoo.codec.model:BLS2017",
    "exporter": "zoo.codec.export:export_codec",
    "config": "zoo.codec.config:BLS2017Config",
}

_VARIABLE_RATE = _BLS2017 | {
    "factory": "zoo.codec.variable_rate:VariableRateBLS2017",
    "config": "zoo.codec.config:VariableRateConfig",
}

_SUPERRES = {
    "paper": "superres",
    "factory": "zoo.superres.model:SuperResolution",
    "exporter": "zoo.superres.export:export_superres",
    "config": "zoo.superres.config:SuperResolutionConfig",
}

_GAN = {
    "paper": "gan",
    "factory": "zoo.gan.model:GAN",
    "exporter": "zoo.gan.export:export_gan",
    "config": "zoo.gan.config:GANConfig",
}

_PENALISED = {"objective": "wgan-gp", "warmup_turns": 0, "batch_norm": False}

ENTRIES = [
    Entry(
        name="bls2017",
        summary="Image codec of Ballé, Laparra & Simoncelli (2017), as in the paper, untrained.",
        **_BLS2017,
    ),
    Entry(
        name="bls2017-mse-0.01",
        summary="The same with 128 filters, trained for mean squared error at λ = 0.01, about half a bit per pixel.",
        overrides={"num_filters": 128},
        lite=False,
        **_BLS2017,
    ),
    Entry(
        name="bls2017-vr",
        summary="The same for every rate: quality 1 to 100, 0.1 to 2 bits per pixel, mean squared error.",
        **_VARIABLE_RATE,
    ),
    Entry(
        name="bls2017-vr-msssim",
        summary="The same for every rate, trained for MS-SSIM, which is closer to what eyes see.",
        overrides={"distortion": "ms_ssim", "rate_distortion_weight": (3.7e-5, 3.4e-3)},
        **_VARIABLE_RATE,
    ),
    Entry(
        name="affmse",
        summary="Super-resolution of Sønderby et al. (2017) that keeps to its input exactly, untrained.",
        **_SUPERRES,
    ),
    Entry(
        name="affmse-x4-small",
        summary="The same for factor 4, 90,000 parameters, trained on photographs for small error.",
        overrides={"num_filters": 32},
        **_SUPERRES,
    ),
    Entry(
        name="affmse-x4",
        summary="The same for factor 4, 330,000 parameters.",
        **_SUPERRES,
    ),
    Entry(
        name="affgan-x4",
        summary="The same for factor 4, trained against a discriminator: sharper, with details that are made up.",
        **_SUPERRES,
    ),
    Entry(
        name="gan",
        summary="DCGAN of Radford et al. (2016), the standard GAN beside the Wasserstein GANs, untrained.",
        overrides={"objective": "non-saturating", "critic_steps": 1, "warmup_turns": 0},
        **_GAN,
    ),
    Entry(
        name="wgan",
        summary="Wasserstein GAN of Arjovsky, Chintala & Bottou (2017): DCGAN, weights clipped, untrained.",
        **_GAN,
    ),
    Entry(
        name="wgan-gp",
        summary="The same with the gradient penalty of Gulrajani et al. (2017) in place of clipping, untrained.",
        overrides=_PENALISED,
        **_GAN,
    ),
    Entry(
        name="wgan-gp-mnist-mlp",
        summary="The same with plain layers of 512 units alone, for digits of 28 x 28 pixels.",
        overrides=_PENALISED
        | {
            "shape": (28, 28, 1),
            "generator": "mlp",
            "critic": "mlp",
            "noise_size": 128,
            "generator_filters": 512,
            "critic_filters": 512,
        },
        **_GAN,
    ),
]


def list_models(pattern="*"):
    """Names of the models that match a wildcard.

    Args:
      pattern: str, matched against the name and against "paper/name": "*codec*" gives all codecs.

    Returns:
      Sorted list of str.
    """
    return sorted(
        e.name
        for e in ENTRIES
        if fnmatch.fnmatch(e.name, pattern) or fnmatch.fnmatch(f"{e.paper}/{e.name}", pattern)
    )


def fingerprint(directory):
    """What tells an export's trained variables from those of other versions of its name: 12 hexadecimal digits."""
    files = read_card(directory)["files"]
    (variables,) = (name for name in files if name.startswith("checkpoint/variables.data"))
    return files[variables]["sha256"][:12]


def find(name):
    """The entry called `name`.

    Raises:
      UserError: there is none; says which there are.
    """
    for entry in ENTRIES:
        if entry.name == name:
            return entry
    raise UserError(f"no model is called {name!r}; there are {', '.join(list_models())}.")


def create(name, **config):
    """Makes an untrained model.

    Args:
      name: str, see `list_models`.
      **config: values of its config to change.

    Returns:
      A `tf.keras.Model`.

    Raises:
      UserError: no such model or field.
    """
    entry = find(name)
    return resolve(entry.factory)(entry.make_config(**config))


def load(name):
    """Makes a model with its trained variables, ready to go on training.

    Args:
      name: str, a model's name, or the directory of an export or of one of its versions.

    Returns:
      A `tf.keras.Model`.

    Raises:
      UserError: there is no such export, or it is not complete.
    """
    directory = find_export(name)
    card = read_card(directory)
    entry = find(card["model"])
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in card["config"].items()}
    model = resolve(entry.factory)(resolve(entry.config)(**values))
    prefix = directory / "checkpoint" / "variables"
    if not prefix.with_suffix(".index").exists():
        raise UserError(f"{directory} has no trained variables in checkpoint/; was it copied whole?")
    model.variables_checkpoint().read(str(prefix)).expect_partial().assert_existing_objects_matched()
    return model


def load_export(name):
    """The signatures of an export, with whatever TensorFlow is installed.

    Args:
      name: str, a model's name, or the directory of an export or of one of its versions.

    Returns:
      dict of signature name to function; functions take and return tensors by keyword. Keep the returned
      dict as long as its functions.

    Raises:
      UserError: there is no such export.
    """
    import tensorflow as tf

    directory = find_export(name)
    with _no_garbage_collection():  # a third of the time: thousands of objects are made, and all are kept
        loaded = tf.saved_model.load(str(directory))
    signatures = dict(loaded.signatures)
    for function in signatures.values():
        function.keep = loaded  # the functions do not keep what they belong to
    return signatures


@contextlib.contextmanager
def _no_garbage_collection():
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def start_graphs_at_once():
    """Has this process run graphs as they are: for commands, which gain less by simpler graphs than these take."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def describe(name):
    """What is known of a model without its export: a dict as in a card, without measurements.

    Raises:
      UserError: no such model.
    """
    entry = find(name)
    config = dataclasses.asdict(entry.make_config())
    return {
        "name": name,
        "summary": entry.summary,
        "paper": entry.paper,
        "factory": entry.factory,
        "config": config,
    }


def exported_roots():
    """The folders of exports, in the order in which they are searched.

    $TOULON_EXPORTED, `exported/` of a checkout, and what an installed package carries.
    """
    package = pathlib.Path(__file__).resolve().parent
    named = os.environ.get("TOULON_EXPORTED")
    folders = [pathlib.Path(named)] if named else [package.parent / "exported"]
    return [*folders, package / "exported"]


def find_export(name):
    """The directory of the newest version of an export.

    Args:
      name: str, a model's name, or the directory of an export or of one of its versions.

    Returns:
      A `pathlib.Path` that holds a saved_model.pb.

    Raises:
      UserError: there is none.
    """
    for base in (pathlib.Path(name), *(root / name for root in exported_roots())):
        if (base / "saved_model.pb").exists():
            return base
        versions = [d for d in base.glob("[0-9]*") if d.name.isdigit() and (d / "saved_model.pb").exists()]
        if versions:
            return max(versions, key=lambda d: int(d.name))
    there = sorted({directory.parent.name for directory in exports()})
    raise UserError(
        f"{name} is neither an export nor the name of one in {exported_roots()[0]}, "
        + (
            f"there are {', '.join(there)}."
            if there
            else "which has none; set TOULON_EXPORTED to their folder."
        )
    )


def exports():
    """The directories of all exports, sorted: list of `pathlib.Path`, each with a saved_model.pb."""
    found = (root.glob("*/*/saved_model.pb") for root in exported_roots())
    return sorted(path.parent for paths in found for path in paths)


def find_identity(identity):
    """The directory of the export whose card has an identity, bytes; None if there is none."""
    for directory in exports():
        if read_card(directory).get("identity") == identity.hex():
            return directory
    return None


def read_card(directory):
    """The card of an export: what it is, what it was trained on, what was measured; a dict."""
    path = pathlib.Path(directory) / "card.json"
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{directory} has no card.json; was it copied whole?") from None
    except ValueError as error:
        raise UserError(f"{path} is damaged: {error}") from None


def resolve(path):
    """The object that "module:name" means."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
