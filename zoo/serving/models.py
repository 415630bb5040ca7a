"""The models that are served: watches their folders, loads new versions, retires old ones.

Everything here runs on the event loop but for looking at folders and loading, which one thread does, so that nothing
needs a lock. A new version is loaded and warmed up before the old one goes, and the old one goes when the requests
that use it have ended.
"""

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import gc
import logging
import pathlib
import time

from zoo.serving.status import RequestError

log = logging.getLogger(__name__)


@dataclasses.dataclass
class Version:
    """A version of a model and how it stands.

    Attributes:
      state: str, "START", "LOADING", "AVAILABLE", "UNLOADING" or "END".
      error: str, why it could not be loaded; "" if nothing is wrong.
      servable: a `Servable` while it is available.
      users: int, requests that use it.
      files: what its folder held when it was last tried, see `look_at`.
      tries: int, failed ones since the files changed.
      tried: float, time of the last try on the monotonic clock.
    """

    number: int
    state: str = "START"
    error: str = ""
    servable: object = None
    users: int = 0
    files: tuple = ()
    tries: int = 0
    tried: float = 0.0


def look_at(base_path):
    """The versions in a model's folder: dict of int to a tuple that changes when any of their files does.

    A version counts once its folder's name is an integer, without leading zeros, and it has a saved_model.pb.
    """
    found = {}
    with contextlib.suppress(OSError):
        for directory in pathlib.Path(base_path).iterdir():
            name = directory.name
            if name.isdecimal() and name == str(int(name)) and (directory / "saved_model.pb").exists():
                found[int(name)] = _files(directory)
    return found


def _files(directory):
    entries = []
    for path in sorted(directory.rglob("*")):
        with contextlib.suppress(OSError):  # gone between the two looks
            stat = path.stat()
            entries.append((str(path), stat.st_size, stat.st_mtime_ns))
    return tuple(entries)


def wanted_versions(policy, there):
    """Which of the versions that are there a `ServableVersionPolicy` asks for; the newest by default; set of int."""
    kind = policy.WhichOneof("policy_choice")
    if kind == "all":
        return set(there)
    if kind == "specific":
        return set(policy.specific.versions) & set(there)
    return set(sorted(there)[-(policy.latest.num_versions or 1) :])


class ModelManager:
    """Models by name and version.

    Attributes:
      configs: dict of name to `ModelConfig`, the models that should be served.
      versions: dict of name to dict of int to `Version`, all that ever were.
    """

    def __init__(self, load, retries=5, retry_seconds=60.0):
        """Serves nothing until `reload`.

        Args:
          load: (name, version, directory) -> `Servable`; raises anything if it cannot.
          retries: int, how often loading is tried again while the files stay the same.
          retry_seconds: float, time between such tries. Changed files are tried at once.
        """
        self.configs = {}
        self.versions = {}
        self._load = load
        self._retries = retries
        self._retry_seconds = retry_seconds
        self._refreshing = asyncio.Lock()
        self._loader = concurrent.futures.ThreadPoolExecutor(1, "load")

    async def reload(self, config):
        """Changes to the models of a `ModelServerConfig` and waits until each was loaded or failed to."""
        self.configs = {model.name: model for model in config.model_config_list.config}
        await self.refresh()

    async def watch(self, seconds):
        """Looks at the folders again and again, for ever."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.refresh()
            except Exception:  # the next look may find things mended
                log.exception("looking for versions failed")

    async def refresh(self):
        """Loads what should be served and is not, and retires what should not be."""
        async with self._refreshing:
            for name in list({**self.versions, **self.configs}):
                await self._refresh(name)

    async def _refresh(self, name):
        known = self.versions.setdefault(name, {})
        wanted = set()
        if name in self.configs:
            config = self.configs[name]
            there = await self._in_loader(look_at, config.base_path)
            wanted = wanted_versions(config.model_version_policy, there)
            for number in sorted(wanted, reverse=True):
                version = known.setdefault(number, Version(number))
                if self._should_try(version, there[number]):
                    await self._try(name, version, config.base_path, there[number])
        available = set(self.available(name))
        if not wanted or wanted & available:
            for number in available - wanted:
                self._retire(name, known[number])

    def _should_try(self, version, files):
        if version.state in ("AVAILABLE", "UNLOADING"):
            return False
        if version.files != files or not version.error:
            return True
        return version.tries <= self._retries and time.monotonic() >= version.tried + self._retry_seconds

    async def _try(self, name, version, base_path, files):
        directory = pathlib.Path(base_path) / str(version.number)
        version.tries = version.tries + 1 if version.files == files else 1
        version.state, version.files, version.tried = "LOADING", files, time.monotonic()
        try:
            servable = await self._in_loader(self._load, name, version.number, directory)
            if (await self._in_loader(look_at, base_path)).get(version.number) != files:
                raise OSError("its files changed while it was loaded")
        except Exception as error:  # loading a damaged SavedModel raises anything
            version.state, version.error = "END", f"{type(error).__name__}: {error}".split("\n")[0]
            log.warning("%s version %d could not be loaded: %s", name, version.number, version.error)
            return
        version.servable, version.state, version.error = servable, "AVAILABLE", ""
        log.info("%s version %d is served", name, version.number)

    def _retire(self, name, version):
        version.state = "UNLOADING"
        log.info("%s version %d retires", name, version.number)
        self._end_if_unused(version)

    def _end_if_unused(self, version):
        if version.state == "UNLOADING" and not version.users:
            version.state, version.servable, version.files = "END", None, ()
            self._loader.submit(gc.collect)  # a SavedModel is full of cycles

    @contextlib.contextmanager
    def use(self, spec):
        """A context in which the `Servable` of a `ModelSpec` is there.

        Raises:
          RequestError: NOT_FOUND or INVALID_ARGUMENT, with TF Serving's text.
        """
        version = self._find(spec)
        version.users += 1
        try:
            yield version.servable
        finally:
            version.users -= 1
            self._end_if_unused(version)

    def _find(self, spec):
        if not spec.name:
            raise RequestError("INVALID_ARGUMENT", "ModelSpec has no name specified.")
        known = self.versions.get(spec.name, {})
        number = self._number(spec)
        if number is not None:
            if number in known and known[number].state == "AVAILABLE":
                return known[number]
            raise RequestError(
                "NOT_FOUND", f"Servable not found for request: Specific({spec.name}, {number})"
            )
        available = self.available(spec.name)
        if not available:
            raise RequestError("NOT_FOUND", f"Servable not found for request: Latest({spec.name})")
        return known[available[0]]

    def _number(self, spec):
        """The version that a `ModelSpec` asks for; None for the newest."""
        if spec.HasField("version"):
            return spec.version.value
        if not spec.version_label:
            return None
        labels = self.configs[spec.name].version_labels if spec.name in self.configs else {}
        if spec.version_label not in labels:
            raise RequestError(
                "INVALID_ARGUMENT", f"Unrecognized servable version label: {spec.version_label}"
            )
        return labels[spec.version_label]

    def status(self, spec):
        """How the versions of a `ModelSpec` stand: list of `Version`, the newest first.

        Raises:
          RequestError: NOT_FOUND or INVALID_ARGUMENT, with TF Serving's text.
        """
        known = self.versions.get(spec.name, {})
        number = self._number(spec)
        if number is not None:
            if number not in known:
                raise RequestError("NOT_FOUND", f"Could not find version {number} of model {spec.name}")
            return [known[number]]
        if not known:
            raise RequestError("NOT_FOUND", f"Could not find any versions of model {spec.name}")
        return [known[number] for number in sorted(known, reverse=True)]

    def available(self, name):
        """The numbers of a model's versions that are served, the newest first: list of int."""
        known = self.versions.get(name, {})
        return [number for number in sorted(known, reverse=True) if known[number].state == "AVAILABLE"]

    def close(self):
        """Ends the thread that loads."""
        self._loader.shutdown(wait=False, cancel_futures=True)

    async def _in_loader(self, function, *arguments):
        return await asyncio.get_running_loop().run_in_executor(self._loader, function, *arguments)
