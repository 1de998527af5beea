"""H2O's scoring code inside this process: scores, errors, signals, threads and forks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import zipfile

import numpy as np
import pytest

from toolkit.automl.engines.h2o import jvm
from toolkit.automl.engines.h2o.server import java
from toolkit.errors import EnvironmentProblem, ModelError

INI = """[info]
algo = glm
algorithm = Generalized Linear Modeling
category = Regression
uuid = 1
supervised = true
h2o_version = 3.46.0.11
mojo_version = 1.00
n_features = 2
n_classes = 1
n_columns = 3
n_domains = 1
balance_classes = false
default_threshold = 0.5
prior_class_distrib = null
model_class_distrib = null
timestamp = 1970-01-01T00:00:00.000Z
escape_domain_values = true
use_all_factor_levels = true
cats = 1
cat_offsets = [0, 3]
nums = 1
mean_imputation = true
num_means = [4.0]
cat_modes = [2]
beta = [10.0, 20.0, 30.0, 0.5, 1.0]
family = gaussian
link = identity

[columns]
c1
c0
target

[domains]
0: 3 d000.txt
"""
ROWS = np.array([[0, 2.0], [1, -2.0], [2, 0.0], [np.nan, np.nan]])
SCORES = np.array([[12.0], [20.0], [31.0], [33.0]])


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A linear model, in a folder whose name Java cannot always spell."""
    place = tmp_path_factory.mktemp("ö 日本") / "model.zip"
    with zipfile.ZipFile(place, "w") as mojo:
        mojo.writestr("model.ini", INI)
        mojo.writestr("domains/d000.txt", "L0000\nL0001\nL0002\n")
    return place


def test_rows_are_numbers_and_codes_of_levels(path, monkeypatch):
    mojo = jvm.Mojo(path)
    assert mojo.columns == ["c1", "c0"]
    assert mojo.levels == [["L0000", "L0001", "L0002"], None]
    assert mojo.classes == []
    np.testing.assert_array_equal(mojo.score(ROWS), SCORES)
    assert mojo.score(ROWS[:0]).shape == (0, 1)
    monkeypatch.setattr(jvm, "_BLOCK_CELLS", 6)
    many = np.asfortranarray(np.tile(ROWS, (500, 1)))
    np.testing.assert_array_equal(mojo.score(many), np.tile(SCORES, (500, 1)))


def test_any_thread_may_score_and_none_stays_attached(path):
    import jpype

    mojo = jvm.Mojo(path)
    beans = jpype.JClass("java.lang.management.ManagementFactory").getThreadMXBean()
    found = []

    def ask():
        found.append(np.array_equal(mojo.score(ROWS), SCORES))

    mojo.score(np.tile(ROWS, (100_000, 1)))
    before = beans.getThreadCount()
    for _ in range(20):
        threads = [threading.Thread(target=ask) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [True] * 100
    assert beans.getThreadCount() < before + 10


def test_a_damaged_model_is_an_error_with_its_path_and_remedy(path, tmp_path):
    for content in (b"", b"PK", path.read_bytes()[:300], b"x" * 1000):
        broken = tmp_path / "model.zip"
        broken.write_bytes(content)
        with pytest.raises(ModelError, match="cannot read the saved model") as caught:
            jvm.Mojo(broken)
        assert caught.value.where == str(broken) and "04_automl" in caught.value.remedy
    with pytest.raises(ModelError, match="is missing"):
        jvm.Mojo(tmp_path / "none.zip")


HEAD = """
import gc, os, sys, threading, time
from pathlib import Path
import numpy as np
from toolkit.automl.engines.h2o import jvm
from toolkit.automl.engines.h2o.server import java
from toolkit.errors import ToolkitError
path, rows = Path(sys.argv[1]), np.array([[0, 2.0]])
def error_line(call):
    try:
        return call()
    except ToolkitError as error:
        return error.line()
"""
"""What each process below begins with."""
ALONE = "import jpype\njpype.startJVM(jvmpath=java.find_jvm(java.find_java()), classpath=[{}])\n"


def process(path, code, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", HEAD + code, path, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | environment,
    )  # fmt: skip


def output_of(path, code, *arguments, **environment):
    started = process(path, code, *arguments, **environment)
    try:
        out, errors = started.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        started.kill()
        raise
    assert started.returncode == 0, errors
    return out


def test_a_process_ends_whatever_thread_started_java(path):
    code = (
        "thread = threading.Thread(target=lambda: print(jvm.Mojo(path).score(rows)))\n"
        "thread.start()\nthread.join()"
    )
    assert "12" in output_of(path, code)


def test_a_forked_child_gets_an_error_and_ends(path):
    code = (
        "child = os.fork()\n"
        "if child:\n"
        "    assert os.waitpid(child, 0)[1] == 0\n"
        "mojo = jvm.Mojo(path)\n"  # each has its own
        "assert mojo.score(rows) == 12\n"
        "if not child:\n"
        "    sys.exit(0)\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    print(error_line(lambda: mojo.score(rows)), flush=True)\n"
        "    print(error_line(lambda: jvm.Mojo(path)), flush=True)\n"
        "    assert '_jpype' not in [call.__module__ for call in gc.callbacks]\n"
        "    sys.exit(3)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3\n"
        "assert mojo.score(rows) == 12\n"
    )
    assert output_of(path, code).count("forked after Java was started") == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 5), (signal.SIGTERM, -15)])
def test_signals_reach_python(path, number, code):
    started = process(
        path,
        # A shell's background job, and so its children, ignore SIGINT.
        "import signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try:\n"
        "    mojo = jvm.Mojo(path)\n"
        "    print('on', flush=True)\n"
        "    while True:\n"
        "        mojo.score(np.tile(rows, (100_000, 1)))\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(5)\n",
    )
    try:
        assert started.stdout.readline() == "on\n"
        time.sleep(0.2)
        started.send_signal(number)
        assert started.wait(60) == code
    finally:
        started.kill()


def test_a_running_jvm_is_used(path):
    assert "12" in output_of(path, ALONE.format("") + "print(jvm.Mojo(path).score(rows))")


def test_another_h2o_in_a_running_jvm_is_an_error(path, tmp_path):
    with zipfile.ZipFile(java.find_jar()) as whole, zipfile.ZipFile(tmp_path / "o.jar", "w") as jar:
        for name in whole.namelist():
            if name.startswith(("hex/genmodel/", "water/genmodel/", "hex/ModelCategory")):
                jar.writestr(name, whole.read(name))
    code = ALONE.format("sys.argv[2]") + "print(error_line(lambda: jvm.Mojo(path)))"
    answer = output_of(path, code, tmp_path / "o.jar")
    assert f"another H2O on its class path: {tmp_path / 'o.jar'}; expected" in answer


@pytest.mark.parametrize("first", ["", "mojo = jvm.Mojo(path)\n"])
def test_a_jvm_that_was_shut_down_is_an_error(path, first):
    code = (first or ALONE.format("")) + (
        "import jpype\njpype.shutdownJVM()\n"
        "print(error_line(lambda: mojo.score(rows) if 'mojo' in globals() else jvm.Mojo(path)))\n"
        "print(error_line(lambda: jvm.Mojo(path)))"
    )
    assert output_of(path, code).count("leave the JVM running") == 2


def test_missing_jpype_is_an_error(path):
    code = "sys.modules['jpype'] = None\nprint(error_line(lambda: jvm.Mojo(path)))"
    assert "pip install jpype1" in output_of(path, code)


def test_missing_java_is_an_error(path, tmp_path):
    code = "java._candidates = list\nprint(error_line(lambda: jvm.Mojo(path)))"
    assert "H2O has no Java to run on; expected Java 11 to 17" in output_of(path, code)
    with pytest.raises(EnvironmentProblem, match="Java without its library"):
        java.find_jvm(tmp_path / "bin" / "java")


def test_too_little_memory_is_an_error(path):
    code = (
        "mojo = jvm.Mojo(path)\n"
        "jvm._BLOCK_CELLS = 10_000_000\n"
        "print(error_line(lambda: mojo.score(np.tile(rows, (2_000_000, 1)))))\n"
        "print(mojo.score(rows))"
    )
    answer = output_of(path, code, _JAVA_OPTIONS="-Xmx20m")
    assert "ran out of memory" in answer and "-Xmx8g" in answer and "12" in answer
