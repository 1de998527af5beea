"""A cluster of two nodes that is not ours: with a login, used and left as it was."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import h2o
import numpy as np
import pytest
from support.search_tasks import search_task

from toolkit.automl.engines import get
from toolkit.automl.engines.h2o import keys
from toolkit.automl.engines.h2o.client import Client
from toolkit.automl.engines.h2o.server import external, java, node
from toolkit.automl.engines.h2o.server.rest import Server
from toolkit.errors import EngineError
from toolkit.project.search import Budget

ENGINE = get("h2o")
USER = "ann"
SMALL = Budget(memory_gib=0.5, threads=1)


def size(server):
    return json.loads(server.send("/3/Cloud")[1])["cloud_size"]


class Cloud:
    """Two nodes on the loopback address behind one login."""

    def __init__(self, folder):
        self.password = secrets.token_urlsafe(12)
        ports = [node._free_port() for _ in range(2)]
        (folder / "members").write_text("".join(f"127.0.0.1:{port}\n" for port in ports))
        (folder / "login").write_text(f"{USER}: {self.password}\n")
        self.url = f"http://127.0.0.1:{ports[0]}"
        self.server = Server(self.url, USER, self.password)
        self.nodes = [self._node(folder, port) for port in ports]
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _node(self, folder, port):
        own = folder / str(port)
        own.mkdir()
        command = [
            java.find_java(), "-Xmx600m", "-XX:ActiveProcessorCount=2", "-jar", java.find_jar(),
            "-name", f"cloud-{folder.name}-{os.getpid()}", "-ip", "127.0.0.1",
            "-web_ip", "127.0.0.1", "-port", str(port), "-flatfile", folder / "members",
            "-hash_login", "-login_conf", folder / "login", "-nthreads", "1",
            "-ice_root", own, "-log_dir", own,
        ]  # fmt: skip
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen([str(word) for word in command], **quiet)

    def _wait(self):
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            assert all(one.poll() is None for one in self.nodes)
            if self.server.alive() and size(self.server) == 2:
                return
            time.sleep(0.5)
        raise AssertionError("no cloud of two nodes formed")

    def stop(self):
        for one in self.nodes:
            one.kill()
            one.wait()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    made = Cloud(tmp_path_factory.mktemp("cloud"))
    yield made
    made.stop()


@pytest.fixture
def login(cloud, monkeypatch):
    monkeypatch.delenv(node.SERVER_VARIABLE, raising=False)
    monkeypatch.setenv(external.USER, USER)
    monkeypatch.setenv(external.PASSWORD, cloud.password)
    return monkeypatch


def refused(url):
    with pytest.raises(EngineError) as error:
        node.connect(SMALL, url=url)
    assert "\n" not in error.value.line()
    assert error.value.line().startswith("h2o.url: ")
    return error.value.line()


@pytest.mark.slow
def test_two_nodes_give_the_leaderboard_of_one(cloud, login, tmp_path):
    here = search_task(tmp_path / "one", rows=600)
    there = search_task(tmp_path / "two", rows=600, h2o_url=cloud.url)
    (tmp_path / "two").mkdir()
    wanted = {"h2o_glm_1", "h2o_gbm_2", "h2o_xgboost_1", "h2o_drf_1"}
    trials = [trial for trial in ENGINE.plan(here.facts) if trial.name in wanted]
    found = {}
    for task in (here, there):
        for trial in trials:
            made = ENGINE.fit(task, trial)
            assert not made.notes
            made.save(tmp_path / trial.name)
            found[trial.name, task is here] = (
                made.oof,
                made.predict(here.inputs.take(np.arange(30))),
                (tmp_path / trial.name / "model.zip").read_bytes(),
            )
    for trial in trials:
        for one, two in zip(found[trial.name, True], found[trial.name, False], strict=True):
            np.testing.assert_array_equal(one, two)
    del made
    client = Client(node.connect(SMALL, url=cloud.url))
    client.sweep(own=True)
    with client.errors():
        assert not [key for key in h2o.ls()["key"] if keys.MARK.search(key)]
    assert cloud.server.alive()


def test_workers_get_the_way_to_the_cluster(cloud, login):
    environment, note = node.ensure(SMALL, cloud.url)
    assert note == ""
    facts = json.loads(environment[node.SERVER_VARIABLE])
    assert facts["url"] == cloud.url and facts["pid"] is None
    login.setenv(node.SERVER_VARIABLE, environment[node.SERVER_VARIABLE])
    login.delenv(external.PASSWORD)
    attached = node.connect(SMALL, url=cloud.url)
    assert attached.external and not attached.owned
    assert size(attached.server) == 2


def test_logins_that_are_refused_are_one_line(cloud, login):
    login.setenv(external.PASSWORD, "wrong")
    assert f"refuses the login of '{USER}'" in refused(cloud.url)
    login.delenv(external.USER)
    line = refused(cloud.url)
    assert "asks for a login" in line and external.USER in line


def test_addresses_that_lead_nowhere_are_one_line(login):
    assert "no H2O answers" in refused(f"http://127.0.0.1:{node._free_port()}")
    assert "no address" in refused("localhost:54321")
    assert "holds a login" in refused("http://ann:secret@127.0.0.1:54321")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"hello": 1}, "is not H2O"),
        ({"version": "3.40.0.1", "cloud_healthy": True, "cloud_size": 1}, "runs H2O 3.40.0.1"),
        ({"version": None, "cloud_healthy": False, "cloud_size": 3, "bad_nodes": 1}, "1 of 3"),
    ],
)
def test_other_servers_are_one_line(login, answer, said):
    if answer.get("version", "") is None:
        answer = answer | {"version": ENGINE.version}

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_):
            pass

    stranger = HTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=stranger.serve_forever, daemon=True).start()
    try:
        assert said in refused(f"http://127.0.0.1:{stranger.server_port}")
    finally:
        stranger.shutdown()
        stranger.server_close()
