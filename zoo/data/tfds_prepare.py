"""Makes and finds prepared copies of sets of TensorFlow Datasets.

A prepared copy is a directory that can be carried to a machine without a network. TensorFlow Datasets itself
tries for minutes to reach a network that is not there; everything here answers at once.
"""

import contextlib
import importlib
import io
import os
import tarfile
import zipfile

from zoo.errors import UserError


def prepare(
    name, data_dir=None, manual_dir=None, download=False, accept_checksums=False, file_format="array_record"
):
    """Makes a prepared copy, unless there is one.

    Args:
      name: str, "NAME[/config][:version]", with or without "tfds:" before it.
      data_dir: str, where copies are kept; default $TFDS_DATA_DIR, else ~/tensorflow_datasets.
      manual_dir: str, a directory with the set's original files under their registered names, to be used
        instead of downloading them.
      download: bool, fetch what is not in `manual_dir`. Without it the network is never touched.
      accept_checksums: bool, take the files in `manual_dir` even where their size or SHA-256 is not the
        registered one: for archives you made or changed yourself.
      file_format: "array_record", or "tfrecord".

    Returns:
      str, the directory of the prepared copy, which "tfds:DIRECTORY" opens on any machine.

    Raises:
      UserError: the set is unknown, files are missing or differ, the network does not answer.
    """
    require_tfds()
    import tensorflow_datasets as tfds

    name = name.removeprefix("tfds:")
    found = find_prepared(name, data_dir)
    if found is not None:
        return str(found.data_dir)
    if manual_dir is not None and not os.path.isdir(manual_dir):
        raise UserError(
            f"--manual_dir={manual_dir} is no directory; make it and put the original files into it."
        )
    builder = _registered(name, data_dir)
    _guard(builder, name, manual_dir, download, accept_checksums)
    config = tfds.download.DownloadConfig(manual_dir=manual_dir, try_download_gcs=False)
    try:
        builder.download_and_prepare(download_config=config, file_format=file_format)
    except tfds.download.download_manager.NonMatchingChecksumError as error:
        raise UserError(
            f"tfds:{name}: a file is not the registered one; if it is meant to differ, say --accept_checksums. "
            + _one_line(error)
        ) from None
    except ImportError as error:
        raise UserError(f"tfds:{name} needs a package that is not installed: {_one_line(error)}") from None
    except (AssertionError, OSError, ValueError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise UserError(f"tfds:{name} cannot be prepared: {_one_line(error)}") from error
    return str(builder.data_dir)


def require_tfds():
    """Raises `UserError` where TensorFlow Datasets cannot be imported."""
    try:
        importlib.import_module("tensorflow_datasets")
    except ImportError as error:
        raise UserError(
            f"tfds: needs tensorflow-datasets, which cannot be imported ({_one_line(error)}); see BUILD.md for the "
            "versions that go together."
        ) from None


def find_prepared(name, data_dir):
    """The builder of a prepared copy, made from its files alone, or None if there is no copy.

    Args:
      name: str, "NAME[/config][:version]" or the directory of a copy.
      data_dir: str or None, see `prepare`.
    """
    import tensorflow_datasets as tfds

    directory = os.path.expanduser(name)
    if os.path.isfile(os.path.join(directory, "dataset_info.json")):
        return tfds.builder_from_directory(directory)
    if os.path.isabs(directory) or directory.startswith("."):
        raise UserError(
            f"tfds:{name} is no prepared copy, it holds no dataset_info.json; give a directory such as "
            "DIR/cifar10/3.0.2, or the name of a set."
        )
    try:
        return tfds.core.read_only_builder.builder_from_files(name, data_dir=_root(data_dir))
    except tfds.core.DatasetNotFoundError:
        return None
    except ValueError as error:  # the name cannot be parsed
        raise UserError(f"tfds:{name}: {_one_line(error)}") from None


def how_to_prepare(name, data_dir):
    """One line for a set that is not prepared: what to type, and which files to get where there is no network."""
    builder = _registered(name, data_dir)
    command = f"toulon data prepare {name} --data_dir={_root(data_dir)}"
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
        files = f"its original files ({_one_line(builder.MANUAL_DOWNLOAD_INSTRUCTIONS)})"
        advice = ""
    else:
        files = ", ".join(_file_names(builder)) or "its original files"
        advice = f"run `{command} --download`, or, without a network, "
    return (
        f"tfds:{name} is not prepared in {_root(data_dir)}; {advice}put {files} into a directory DIR and run "
        f"`{command} --manual_dir=DIR`."
    )


def _root(data_dir):
    """The directory of prepared copies."""
    return os.path.expanduser(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets")


def _registered(name, data_dir):
    """The builder that knows how to make a set."""
    import tensorflow_datasets as tfds

    try:
        return tfds.builder(name, data_dir=_root(data_dir))
    except (tfds.core.DatasetNotFoundError, ImportError):
        raise UserError(
            f"tfds:{name} is neither a set of TensorFlow Datasets nor a prepared copy in {_root(data_dir)}; for names "
            "see https://www.tensorflow.org/datasets/catalog, for picture files use folder:GLOB."
        ) from None
    except (AssertionError, ValueError) as error:  # no such version or configuration
        raise UserError(f"tfds:{name}: {_one_line(error)}") from None


def _guard(builder, name, manual_dir, download, accept_checksums):
    """Puts checks in front of a builder's downloads.

    A download manager is made only while a set is prepared, so the builder's way of making one is wrapped.
    """
    make = builder._make_download_manager

    def make_guarded(**kwargs):
        manager = make(**kwargs)
        fetch = manager._download  # called for what is neither in manual_dir nor fetched earlier

        def check_and_fetch(resource):
            if not download:
                raise UserError(_missing(builder, name, manual_dir))
            _check_reachable(name, resource.url)
            return fetch(resource)

        manager._download = check_and_fetch
        if accept_checksums and manual_dir:
            manager._url_infos = _own_checksums(manager._url_infos, manual_dir)
        return manager

    builder._make_download_manager = make_guarded


def _missing(builder, name, manual_dir):
    """One line: the files that a builder needs and nobody gave it."""
    if manual_dir is None:
        return (
            f"tfds:{name} has to be downloaded, say --download; or give its original files with --manual_dir."
        )
    missing = [file for file in _file_names(builder) if not os.path.exists(os.path.join(manual_dir, file))]
    return (
        f"tfds:{name} needs {', '.join(missing) or 'more files'}, not in --manual_dir={manual_dir}; put what is "
        "missing there, or say --download."
    )


def _check_reachable(name, url):
    """Raises `UserError` unless the server answers."""
    import requests

    try:
        requests.head(url, timeout=10)
    except requests.exceptions.InvalidSchema:
        return  # ftp: cannot be asked this way
    except requests.RequestException:
        raise UserError(
            f"tfds:{name}: {url} cannot be reached; without a network get the file elsewhere, put it into a directory "
            "DIR and use --manual_dir=DIR."
        ) from None


def _own_checksums(url_infos, manual_dir):
    """The table of sizes and checksums, with those of the files in `manual_dir` for the registered ones."""
    import tensorflow_datasets as tfds

    own = dict(url_infos)
    for url, info in url_infos.items():
        path = os.path.join(manual_dir, info.filename or "")
        if os.path.isfile(path):
            own[url] = tfds.download.checksums.compute_url_info(path)
    return own


class _AskedFor:
    """Stands in for a download manager and notes what a builder asks for."""

    def __init__(self):
        self.urls = []

    def download(self, urls):
        import tree

        self.urls += [getattr(url, "url", url) for url in tree.flatten(urls)]
        return tree.map_structure(lambda _: "nowhere", urls)

    download_and_extract = download


def _file_names(builder):
    """Sorted names of the original files that this configuration of a set is made from, as registered."""
    manager = _AskedFor()
    # Whatever becomes of it when there are no files, and whatever it prints: it has asked.
    with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
        builder._split_generators(manager)
    registered = builder.url_infos or {}
    infos = [registered[url] for url in manager.urls if url in registered] or registered.values()
    return sorted({info.filename for info in infos if info.filename})


def _one_line(error, length=200):
    text = " ".join(str(error).split())
    return text if len(text) <= length else text[:length] + " …"
