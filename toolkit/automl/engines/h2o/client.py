"""H2O's own client in a worker process, which has one connection and one search."""

from __future__ import annotations

import atexit
import contextlib
import io
import re
import time
import urllib.parse
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import h2o
from h2o.exceptions import H2OConnectionError, H2OError
from h2o.job import H2OJob

from toolkit.automl.engines.h2o import keys
from toolkit.automl.engines.h2o.server.node import Connection
from toolkit.errors import EngineError

_TIMEOUT_SECONDS = 600
_FASTEST_POLL, _SLOWEST_POLL = 0.01, 0.5
_CANCEL_SECONDS = 30
_RUNNING = ("CREATED", "RUNNING")


class Client:
    """A process's connection to one H2O server.

    H2O's client holds its connection in a module, so that of several clients of one process
    only the latest works.

    Parameters
    ----------
    connection : Connection
        Where to.

    Attributes
    ----------
    connection : Connection
        As given.

    Raises
    ------
    EngineError
        If the server does not answer.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._deadline: float | None = None
        self._watch: Callable[[float], None] | None = None
        server = connection.server
        login = (server.user, server.password) if server.user else None
        # What is printed is the release's age: it is pinned.
        with self.errors(), contextlib.redirect_stdout(io.StringIO()):
            self._opened = h2o.connect(
                url=_with_port(server.url), auth=login, verbose=False, strict_version_check=True
            )
        self._opened.timeout_interval = _TIMEOUT_SECONDS
        h2o.no_progress()
        # The client's way of waiting looks again after a fifth of the time that has passed,
        # asks a dead server for 90 seconds, prints that it does, and knows no deadline.
        H2OJob.poll = lambda job, poll_updates=None: self._wait(job)
        self.sweep()
        atexit.register(self._leave)

    def serves(self, connection: Connection) -> bool:
        """Return whether this is the process's latest client, and of that server."""
        same = self.connection.server.url == connection.server.url
        return same and h2o.connection() is self._opened

    @contextlib.contextmanager
    def errors(
        self, watch: Callable[[float], None] | None = None, deadline: float | None = None
    ) -> Iterator[None]:
        """Turn the client's errors into one line each, and keep its warnings to itself.

        Parameters
        ----------
        watch : callable, optional
            Called at every look at a job, with its progress from 0 to 1.
        deadline : float, optional
            The moment of `time.monotonic` at which a job is cancelled.

        Raises
        ------
        EngineError
            If H2O refused something, a job failed, its time was over, or the server ended.
        """
        self._watch, self._deadline = watch, deadline
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except H2OConnectionError as error:
            raise EngineError(
                f"H2O's JVM ended or does not answer{self.connection.server.explain_death()}",
                remedy="Run again: finished models are kept",
            ) from error
        except H2OError as error:
            raise EngineError(f"H2O: {_reason(error)}") from error
        finally:
            self._watch = self._deadline = None

    def _wait(self, job: H2OJob) -> H2OJob:
        pause = _FASTEST_POLL
        try:
            while (record := _record(job))["status"] in _RUNNING:
                if self._watch is not None:
                    self._watch(record["progress"])
                if self._deadline is not None and time.monotonic() > self._deadline:
                    raise EngineError("H2O: the time for this model was over before it was done")
                time.sleep(pause)
                pause = min(_SLOWEST_POLL, pause * 1.5)
        except (KeyboardInterrupt, EngineError):
            job.cancel()
            patience = time.monotonic() + _CANCEL_SECONDS
            while _record(job)["status"] in _RUNNING and time.monotonic() < patience:
                time.sleep(0.1)
            raise
        job.status = record["status"]
        if job.status == "FAILED":
            raise EngineError(f"H2O: {_first_line(record['exception'] or 'a job failed')}")
        if job.status == "CANCELLED":
            raise EngineError("H2O: the job was cancelled")
        return job

    def sweep(self, *, own: bool = False) -> None:
        """Cancel jobs and remove keys that processes of this machine left when they ended.

        Parameters
        ----------
        own : bool
            Whether this process's go as well: it has ended its work.
        """
        with contextlib.suppress(EngineError), self.errors():
            for job in h2o.api("GET /3/Jobs")["jobs"]:
                name = str((job.get("dest") or {}).get("name"))
                if job["status"] in _RUNNING and keys.is_left(name, own):
                    h2o.api(f"POST /3/Jobs/{job['key']['name']}/cancel")
            forget(*(key for key in h2o.ls()["key"] if keys.is_left(key, own)))

    def _leave(self) -> None:
        if self.connection.external and self.serves(self.connection):
            self.sweep(own=True)
        self._opened.close()  # one that is open at the end is announced on standard output


def forget(*names: str) -> None:
    """Remove frames and models; a server that is gone has forgotten them already."""
    for name in names:
        with contextlib.suppress(H2OError):
            h2o.remove(name)


def _with_port(url: str) -> str:
    # The client refuses addresses without one.
    parts = urllib.parse.urlsplit(url)
    if parts.port is None:
        port = 443 if parts.scheme == "https" else 80
        parts = parts._replace(netloc=f"{parts.netloc}:{port}")
    return parts.geturl()


def _record(job: H2OJob) -> dict[str, Any]:
    record: dict[str, Any] = h2o.api(f"GET /3/Jobs/{job.job_key}")["jobs"][0]
    return record


def _reason(error: H2OError) -> str:
    answer = error.args[0] if error.args else ""
    text = getattr(answer, "exception_msg", None) or getattr(answer, "msg", None) or str(error)
    told = re.search(r"Error: (.+)", text)
    return _first_line(told.group(1) if told else text)


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and line != "ERROR MESSAGE:"]
    return lines[0][:400] if lines else "no reason given"
