"""H2O's server: started for one owner, shared on purpose, and never left behind.

A server listens on the loopback address alone, on a random port, behind a random
password. A guard process (``guard.py`` beside this file) ends it together with its owner. The
runner starts one for all its notebooks and names it in the environment variable
``TOOLKIT_H2O``; a process that finds that variable attaches and never stops it. A cluster
that the project names in ``h2o.url`` (``external.py``) is never stopped either.

Only the standard library and the toolkit's errors are imported here.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from toolkit.automl.engines.h2o.server import external, guard
from toolkit.automl.engines.h2o.server.java import (
    find_jar,
    find_java,
    heap_gib,
    last_meaningful_line,
)
from toolkit.automl.engines.h2o.server.rest import Server
from toolkit.errors import EngineError
from toolkit.run.memory import SERVER_VARIABLE

_USER = "toolkit"
_START_SECONDS = 180
_ATTEMPTS = 3


class ServerBudget(Protocol):
    """The part of ``automl.budget`` that a server needs."""

    @property
    def memory_gib(self) -> float:
        """Java heap."""

    @property
    def threads(self) -> int:
        """Worker threads."""


@dataclass(frozen=True)
class Connection:
    """A way to a running server."""

    server: Server
    owned: bool
    """Whether this process started it."""
    external: bool = False
    """Whether it is a cluster of the user's: other people's keys are in it, and it may not
    see this machine's files."""
    note: str = ""
    """What differs from what was asked for."""
    pid: int | None = None
    """The process id of its JVM, if the toolkit started it."""

    @property
    def environment(self) -> dict[str, str]:
        """What child processes need in their environment to attach."""
        server = self.server
        facts = {"url": server.url, "user": server.user, "password": server.password}
        return {SERVER_VARIABLE: json.dumps(facts | {"pid": self.pid})}


class StartedServer:
    """A server that this process started.

    Attributes
    ----------
    server : Server
        The way to it.
    pid : int
        The process id of its JVM.
    note : str
        What differs from what was asked for; empty if nothing does.
    """

    def __init__(self, budget: ServerBudget) -> None:
        heap, self.note = heap_gib(budget.memory_gib)
        self._owner = os.getpid()
        for attempt in range(1, _ATTEMPTS + 1):
            self._launch(heap, max(1, budget.threads))
            try:
                self._wait_until_up()
                break
            except EngineError as error:
                self.stop()
                # Another process can take the port between the choice and the start.
                if attempt == _ATTEMPTS or "bind" not in error.problem.lower():
                    raise
        self.server.explain_death = self._why

    def _launch(self, heap: float, threads: int) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="toolkit-h2o-"))
        self._log = self._folder / "log.txt"
        password = secrets.token_urlsafe(24)
        port = _free_port()
        login = self._folder / "login.conf"
        login.touch(mode=0o600)
        login.write_text(f"{_USER}: {password}\n", encoding="ascii")
        # Without a list of members H2O looks for others by multicast.
        members = self._folder / "members.txt"
        members.write_text(f"127.0.0.1:{port}\n", encoding="ascii")
        (self._folder / "ice").mkdir()
        self.server = Server(f"http://127.0.0.1:{port}", _USER, password)
        command = [
            str(find_java()),
            f"-Xmx{int(heap * 1024)}m",
            # An H2O that ran out of memory can hang; one that ended can be reported.
            "-XX:+ExitOnOutOfMemoryError",
            f"-XX:ActiveProcessorCount={threads}",
            "-Djava.awt.headless=true",
            f"-Djava.io.tmpdir={self._folder / 'ice'}",
            "-jar", str(find_jar()),
            "-name", f"toolkit-{secrets.token_hex(8)}",
            "-ip", "127.0.0.1",
            "-web_ip", "127.0.0.1",
            "-port", str(port),
            "-flatfile", str(members),
            "-hash_login", "-login_conf", str(login),
            "-nthreads", str(threads),
            "-ice_root", str(self._folder / "ice"),
            "-log_dir", str(self._folder / "ice"),
            "-flow_dir", str(self._folder / "ice"),
            "-notify_local", str(self._folder / "up"),
        ]  # fmt: skip
        # -I and -S: nothing in the working folder can take the place of a module.
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", guard.__file__, self._folder, self._log, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            # XGBoost's threads otherwise spin while they wait, and starve a busy machine.
            env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(threads)},
        )
        assert self._guard.stdout is not None
        line = self._guard.stdout.readline()
        if not line:
            raise EngineError(
                "H2O's guard process did not start",
                remedy="Run `toolkit doctor`: it says what is missing",
            )
        self.pid = int(line)

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not (self._folder / "up").exists() or not self.server.alive():
            if not self.alive():
                raise EngineError(
                    f"H2O's JVM did not start{self._why()}",
                    remedy="Lower automl.budget.memory_gib if memory is short, or run"
                    " `toolkit doctor`",
                )
            if time.monotonic() > deadline:
                raise EngineError(
                    f"H2O did not answer within {_START_SECONDS} seconds{self._why()}",
                    remedy="Run again when the machine is less busy",
                )
            time.sleep(0.1)

    @property
    def environment(self) -> dict[str, str]:
        """What child processes need in their environment to attach."""
        return Connection(self.server, owned=True, pid=self.pid).environment

    def alive(self) -> bool:
        """Whether the JVM runs."""
        return self._guard.poll() is None and not (self._folder / "ended").exists()

    def stop(self) -> None:
        """End the JVM and remove its files; does nothing the second time."""
        if os.getpid() != self._owner:
            return  # a forked child inherits this object, not the server
        for pipe in (self._guard.stdin, self._guard.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._guard.wait(15)
        except subprocess.TimeoutExpired:
            self._guard.kill()  # the JVM dies with its guard
            self._guard.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _why(self) -> str:
        line = last_meaningful_line(self._log)
        return f" (its last words: {line})" if line else ""


_own: StartedServer | None = None
_lock = threading.Lock()


def start_shared(budget: ServerBudget) -> StartedServer:
    """Start a server for this process and the children that get its ``environment``.

    Raises
    ------
    EngineError
        If the JVM does not start; the message holds the last line of its log.
    EnvironmentProblem
        If there is no Java, or no H2O.
    """
    cluster = StartedServer(budget)
    atexit.register(cluster.stop)
    return cluster


def connect(
    budget: ServerBudget, progress: Callable[[str], None] | None = None, url: str | None = None
) -> Connection:
    """Return the way to a server: the one asked for, the shared one, this process's own, or new.

    Parameters
    ----------
    budget : ServerBudget
        Memory and threads of a server that has to be started.
    progress : callable, optional
        Told in words what is done.
    url : str, optional
        ``h2o.url``: a cluster that is there already and is never stopped.

    Raises
    ------
    EngineError
        If the cluster cannot be used, or a new server does not start.
    """
    global _own  # noqa: PLW0603 - one server for each process, whoever asks
    shared = _named()
    if url is not None:
        if shared is not None and shared.server.url == url.rstrip("/") and shared.server.alive():
            return shared
        return Connection(external.attach(url), owned=False, external=True)
    if shared is not None and (shared.external or shared.server.alive()):
        return shared
    ended = f"the shared H2O ({shared.server.url}) ended; " if shared else ""
    note = f"{ended}a new one was started" if ended else ""
    with _lock:
        if _own is not None and _own._owner == os.getpid():
            # A JVM that was just killed is known to its guard a moment later.
            if _own.alive() and _own.server.alive():
                note = f"{ended}this process's own took its place" if ended else ""
                return Connection(_own.server, owned=True, note=note, pid=_own.pid)
            note = f"H2O's JVM ended{_own._why()}; a new one was started"
            atexit.unregister(_own.stop)
            _own.stop()
        if progress is not None:
            progress("starting H2O")
        _own = start_shared(budget)
        notes = "; ".join(text for text in (note, _own.note) if text)
        return Connection(_own.server, owned=True, note=notes, pid=_own.pid)


def ensure(budget: ServerBudget, url: str | None = None) -> tuple[dict[str, str], str]:
    """Make sure that there is a server for child processes.

    A server that this process has to start ends with this process, or with its last words.

    Parameters
    ----------
    budget : ServerBudget
        Memory and threads of a server that has to be started.
    url : str, optional
        ``h2o.url``.

    Returns
    -------
    environment : dict of str to str
        What a child process needs in its environment for `connect` to find the server.
    note : str
        What differs from what was asked for, or that a server ended; empty if nothing does.

    Raises
    ------
    EngineError
        If the cluster cannot be used, or a new server does not start.
    """
    connection = connect(budget, url=url)
    return connection.environment, connection.note


def usable(environment: dict[str, str], url: str | None = None) -> bool:
    """Whether the server that a child process was told of is up.

    Parameters
    ----------
    environment : dict of str to str
        What `ensure` gave for that process.
    url : str, optional
        ``h2o.url``.
    """
    if url is not None:
        with contextlib.suppress(EngineError):
            return external.attach(url).alive()
        return False
    told = _named(environment)
    return told is not None and told.server.alive()


def _named(environment: Mapping[str, str] = os.environ) -> Connection | None:
    named = environment.get(SERVER_VARIABLE)
    if not named:
        return None
    try:
        facts = json.loads(named)
        server = Server(facts["url"], facts["user"], facts["password"])
        return Connection(server, owned=False, external=facts["pid"] is None, pid=facts["pid"])
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(
            f"the environment variable {SERVER_VARIABLE} does not name a server",
            remedy="Unset it: H2O is then started where it is needed",
        ) from error


def _free_port() -> int:
    # H2O takes the port and the next one.
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
