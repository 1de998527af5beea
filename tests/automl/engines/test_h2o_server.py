"""H2O's server lives exactly as long as its owner, and lets nobody else in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import h2o
import pytest

from toolkit.automl.engines.h2o.client import Client
from toolkit.automl.engines.h2o.server import java, node
from toolkit.errors import EngineError, EnvironmentProblem
from toolkit.project.search import Budget

SMALL = Budget(memory_gib=1.0, threads=2)

OWNER = """
import json, time
from toolkit.automl.engines.h2o.server import node
from toolkit.project.search import Budget
own = node.start_shared(Budget(memory_gib=1.0, threads=1))
print(json.dumps({"jvm": own.pid, "guard": own._guard.pid, "folder": str(own._folder)}), flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def shared():
    made = node.start_shared(SMALL)
    yield made
    made.stop()


def gone(pid: int, seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


def test_attach_through_the_environment(shared, monkeypatch):
    for name, value in shared.environment.items():
        monkeypatch.setenv(name, value)
    connection = node.connect(SMALL)
    assert not connection.owned
    assert connection.server.url == shared.server.url
    assert connection.server.alive()
    assert set(json.loads(shared.environment[node.SERVER_VARIABLE])) == {
        "url", "user", "password", "pid",
    }  # fmt: skip


def test_loopback_and_login(shared):
    assert shared.server.url.startswith("http://127.0.0.1:")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(shared.server.url + "/3/Cloud")
    assert refused.value.code == 401
    wrong = type(shared.server)(shared.server.url, "toolkit", "guess")
    assert not wrong.alive()
    login = shared._folder / "login.conf"
    assert login.stat().st_mode & 0o077 == 0
    assert shared.server.password not in Path(f"/proc/{shared.pid}/cmdline").read_text()


def test_ctrl_c_does_not_reach_the_server(shared):
    assert os.getpgid(shared.pid) != os.getpgid(0)
    assert os.getsid(shared._guard.pid) != os.getsid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("victim", ["owner", "guard"])
def test_nothing_is_left_after_a_kill(victim):
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    facts = json.loads(owner.stdout.readline())
    os.kill(owner.pid if victim == "owner" else facts["guard"], signal.SIGKILL)
    try:
        assert gone(facts["jvm"])
        assert gone(facts["guard"])
    finally:
        owner.kill()
        owner.wait()
    if victim == "owner":
        assert not Path(facts["folder"]).exists()


ENSURED = """
import json, os, signal, time
from toolkit.automl.engines.h2o.server import node
from toolkit.project.search import Budget
small = Budget(memory_gib=0.5, threads=1)
seen = []
def ask():
    environment, note = node.ensure(small)
    seen.append((json.loads(environment[node.SERVER_VARIABLE]), note))
    os.environ.update(environment)
    return node.connect(small)
def kill():
    pid = seen[-1][0]["pid"]
    os.kill(pid, signal.SIGKILL)
    server = node.connect.__globals__["_named"]().server
    while server.alive():
        time.sleep(0.1)
ask(); ask(); kill(); ask()
os.environ.pop(node.SERVER_VARIABLE)
ask()
print(json.dumps(seen))
"""


def test_ensure_shares_a_server_and_replaces_it_when_it_ended():
    answer = subprocess.run(
        [sys.executable, "-c", ENSURED], capture_output=True, text=True, check=True
    )
    (first, none), (again, nothing), (new, note), (own, quiet) = json.loads(answer.stdout)
    assert first == again and none == nothing == quiet == ""
    assert new["pid"] != first["pid"] and new["password"] != first["password"]
    assert "H2O's JVM ended" in note and "a new one was started" in note and "\n" not in note
    assert own == new
    assert gone(first["pid"]) and gone(new["pid"])


def test_a_dead_server_is_one_line_with_a_remedy():
    own = node.start_shared(SMALL)
    client = Client(node.Connection(own.server, owned=True))
    os.kill(own.pid, signal.SIGKILL)
    assert gone(own.pid)
    with pytest.raises(EngineError, match="JVM ended") as error, client.errors():
        h2o.rapids("(ls)")
    assert "\n" not in error.value.line()
    assert error.value.remedy
    deadline = time.monotonic() + 10
    while own.alive() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not own.alive()
    own.stop()
    assert not own._folder.exists()
    own.stop()


def test_an_unreadable_variable_is_refused(monkeypatch):
    monkeypatch.setenv(node.SERVER_VARIABLE, "127.0.0.1:54321")
    with pytest.raises(EngineError, match="does not name a server"):
        node.connect(SMALL)


def test_the_runner_stays_light():
    code = (
        "import sys, toolkit.automl.engines.h2o.server.node, toolkit.automl.engines.h2o.engine;"
        "print([m for m in ('h2o', 'pandas', 'numpy', 'requests') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_heap_is_clamped_and_said():
    heap, note = java.heap_gib(10_000)
    assert heap <= java.memory_bytes() / 2**30 / 2 + 0.01
    assert "automl.budget.memory_gib" in note
    assert java.heap_gib(0.1)[0] == 0.5


def test_last_words(tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("starting\njava.lang.OutOfMemoryError: Java heap space\n\tat a.b\n  at c\n\n")
    assert java.last_meaningful_line(log) == "java.lang.OutOfMemoryError: Java heap space"
    assert java.last_meaningful_line(tmp_path / "none") == ""


def test_java_of_a_wrong_version_is_named(tmp_path, monkeypatch):
    fake = tmp_path / "bin" / "java"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'openjdk version \"21.0.1\"' >&2\n")
    fake.chmod(0o755)
    assert java.java_version(fake) == 21
    assert java.java_version(tmp_path) is None
    monkeypatch.setattr(java, "_candidates", lambda: [fake])
    with pytest.raises(EnvironmentProblem, match="is Java 21"):
        java.find_java()
