"""Where MLflow keeps things, whether it answers, and what it must not do while we write."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
import urllib.request
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from toolkit.errors import EnvironmentProblem
from toolkit.project.file import ProjectFile

DATABASE = "mlflow.db"
ARTIFACTS = "mlartifacts"
_VARIABLE = "MLFLOW_TRACKING_URI"
_SECONDS = 5
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_ENV_MANAGER_CONDA_WARNING": "true",
}
_IMPATIENT = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": str(_SECONDS),
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0",
}
_SQLITE = "sqlite:///"
_CREDENTIALS = re.compile(r"//[^/@\s]*@")


@dataclass(frozen=True)
class Store:
    """Where a run is mirrored to.

    Attributes
    ----------
    uri : str
        MLflow's tracking URI.
    artifacts : str or None
        URI for the files of new experiments; None leaves it to the server.
    shown : str
        The URI for people: no password, a local file relative to the project.
    """

    uri: str
    artifacts: str | None
    shown: str


def find_store(file: ProjectFile) -> Store:
    """Return the store that a project means.

    ``tracking.uri`` counts before the environment variable ``MLFLOW_TRACKING_URI``; without
    both it is a database file in the project folder, with files beside it.
    """
    folder = file.folder.resolve()
    uri = file.project.tracking.uri or os.environ.get(_VARIABLE)
    if not uri:
        database = folder / DATABASE
        return Store(_sqlite(database), (folder / ARTIFACTS).as_uri(), f"sqlite:///{DATABASE}")
    if uri.startswith(_SQLITE):  # a relative path starts at the project, not at the kernel
        database = folder / uri.removeprefix(_SQLITE)
        return Store(_sqlite(database), (database.parent / ARTIFACTS).as_uri(), uri)
    if ":" not in uri and ("/" in uri or uri.startswith(".")):
        return Store((folder / uri).as_uri(), None, uri)
    return Store(uri, None, without_password(uri.partition("?")[0]))


def _sqlite(database: Path) -> str:
    return f"{_SQLITE}{database.as_posix()}"


def without_password(text: str) -> str:
    """Return a text with the credentials of every address in it left out."""
    return _CREDENTIALS.sub("//", text)


def knock(store: Store) -> None:
    """Return when a web server answers at all; other stores are not asked.

    Raises
    ------
    EnvironmentProblem
        If nothing listens there.
    """
    address = urlsplit(store.uri)
    host = address.hostname
    if address.scheme not in ("http", "https") or not host:
        return
    if urllib.request.getproxies().get(address.scheme) and not urllib.request.proxy_bypass(host):
        return  # a proxy stands between: only it can tell
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((host, port), timeout=_SECONDS).close()
    except OSError as error:
        raise EnvironmentProblem(
            f"no MLflow server answers ({error.strerror or error})",
            where=store.shown,
            remedy="Start it, or remove tracking.uri to use a file in the project folder",
        ) from error


@contextlib.contextmanager
def connected(store: Store) -> Iterator[None]:
    """Point MLflow at a store, without telemetry and chatter; then point it back."""
    with _environment(_QUIET):  # telemetry is decided on import
        import mlflow

        before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
        # MLflow keeps the address in the environment too, where the next mirror would find it.
        with _environment({_VARIABLE: store.uri}), _quiet():
            mlflow.set_tracking_uri(store.uri)
            try:
                yield
            finally:
                mlflow.set_tracking_uri(before)  # type: ignore[arg-type]  # None: not set


@contextlib.contextmanager
def impatient() -> Iterator[None]:
    """Let the first request to a server fail in seconds, not after MLflow's minutes of retries."""
    with _environment({n: v for n, v in _IMPATIENT.items() if n not in os.environ}):
        yield


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = old


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
