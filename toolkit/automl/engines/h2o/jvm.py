"""H2O's scoring code inside this process: one JVM, started by the first model that needs it.

H2O's jar scores one row a call. A call from Python costs some 10 microseconds and a row of
numbers is scored in fewer, so the loop over rows runs in Java: it is put together from method
handles, and no class of our own has to be compiled.
"""

from __future__ import annotations

import functools
import gc
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from toolkit.automl.engines.h2o.server import java
from toolkit.errors import EngineError, EnvironmentProblem, ModelError

_HEAP_MIB = (256, 4096)
"""Bounds of Java's largest heap, which is an eighth of the machine's memory between them. The
heap starts small, and counts as this process's memory."""
_BLOCK_CELLS = 200_000
"""Cells of the rows that one call into Java scores; Ctrl-C ends a prediction between calls."""
_RESTART = "Start Python again, load H2O's models before other Java code, and leave the JVM running"
_REMEDY = "Run 04_automl.ipynb again with --fresh"
_lock = threading.Lock()
_owner_pid = 0
"""The process that has the JVM: a forked child does not inherit it."""


class Mojo:
    """An H2O model that scores rows of numbers in this process; any thread may call it.

    Parameters
    ----------
    path : Path
        The MOJO.

    Attributes
    ----------
    columns : list of str
        The features that it takes, in order.
    levels : list of (list of str or None)
        The levels of each column that is a category: its numbers count them from 0.
    classes : list of str
        The classes in the order of its probabilities; empty if it predicts a number.

    Raises
    ------
    ModelError
        If the file cannot be read.
    EngineError, EnvironmentProblem
        If Java does not start in this process.
    """

    def __init__(self, path: Path) -> None:
        self._where = str(path)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelError("is missing", where=self._where, remedy=_REMEDY) from error
        start()
        _thread_pool().submit(self._read, content).result()

    def score(self, rows: np.ndarray) -> np.ndarray:
        """Return the model's probabilities, (n, classes), or values, (n, 1).

        Parameters
        ----------
        rows : array of float, shape (n, columns)
            Numbers, and codes of levels; NaN where a value is missing or a level unknown.

        Raises
        ------
        EngineError
            If Java runs out of memory, or is not there any more.
        """
        _check_running()
        step = max(1, _BLOCK_CELLS // max(1, rows.shape[1]))
        blocks = [rows[start : start + step] for start in range(0, len(rows), step)]
        empty = np.empty((0, max(1, len(self.classes))))
        return np.concatenate([empty, *_thread_pool().map(self._score, blocks)])

    def _read(self, content: bytes) -> None:
        import jpype

        factory = "hex.genmodel.MojoReaderBackendFactory"
        try:
            # Java itself cannot open every path that Python can.
            stream = jpype.JClass("java.io.ByteArrayInputStream")(
                jpype.JArray(jpype.JByte)(content)
            )
            memory = jpype.JClass(f"{factory}$CachingStrategy").MEMORY
            opened = jpype.JClass(factory).createReaderBackend(stream, memory)
            model = jpype.JClass("hex.genmodel.MojoModel").load(opened)
        except jpype.JException as error:
            _raise_if_out_of_memory(error)
            raise ModelError(
                f"H2O cannot read the saved model: {_first_line(error)}",
                where=self._where,
                remedy=_REMEDY,
            ) from error
        self._model, self._outputs = model, int(model.getPredsSize())
        self.columns = [str(name) for name in model.getNames()][: int(model.nfeatures())]
        self.levels = [_texts(model.getDomainValues(place)) for place in range(len(self.columns))]
        self.classes: list[str] = []
        if int(model.nclasses()) > 1:
            self.classes = _texts(model.getDomainValues(int(model.getResponseIdx()))) or []

    def _score(self, rows: np.ndarray) -> np.ndarray:
        import jpype

        try:
            given = jpype.JArray.of(np.ascontiguousarray(rows, dtype=np.float64), jpype.JDouble)
            found = jpype.JDouble[len(rows), self._outputs]
            _scoring_loop().invokeWithArguments(self._model, given, found)
        except jpype.JException as error:
            _raise_if_out_of_memory(error)
            raise ModelError(
                f"H2O cannot score rows: {_first_line(error)}", where=self._where
            ) from error
        # Of classes the first number is the label at H2O's own threshold.
        first = 1 if self.classes else 0
        return np.array(found)[:, first : first + max(1, len(self.classes))]


def start() -> None:
    """Start the JVM, or use the one that this process has; does nothing the second time.

    Raises
    ------
    EnvironmentProblem
        If there is no Java, no H2O or no JPype.
    EngineError
        If it does not start, or the one of this process cannot be used.
    """
    global _owner_pid  # noqa: PLW0603 - one JVM for each process, whoever asks
    with _lock:
        if not _owner_pid:
            _connect()
            _owner_pid = os.getpid()
            os.register_at_fork(after_in_child=_detach_in_child)
    _check_running()


def _connect() -> None:
    try:
        import jpype
    except ImportError as error:
        raise EnvironmentProblem(
            "JPype is not installed: H2O's models run in it", remedy="Run `pip install jpype1`"
        ) from error
    jar = java.find_jar()
    running = jpype.isJVMStarted()
    if not running:
        _start(jar)
    try:
        if running:
            jpype.addClassPath(jar)
        source = jpype.JClass("hex.genmodel.GenModel").class_.getResource("GenModel.class")
    except (TypeError, jpype.JException) as error:
        raise EngineError(
            f"the JVM of this process cannot read H2O's classes in {jar}", remedy=_RESTART
        ) from error
    found = unquote(str(source.getPath()).removeprefix("file:").partition("!")[0])
    if Path(found).resolve() != jar.resolve():
        raise EngineError(
            f"the JVM of this process has another H2O on its class path: {found}",
            expected=str(jar),
            remedy=_RESTART,
        )


def _start(jar: Path) -> None:
    import jpype

    program = java.find_java()
    least, most = _HEAP_MIB
    heap = min(max(java.memory_bytes() // 2**20 // 8, least), most)
    try:
        jpype.startJVM(
            f"-Xmx{heap}m", "-Xms16m",
            # Ctrl-C and SIGTERM are Python's.
            "-Xrs",
            # Few threads, and no file in the folder for temporary ones.
            "-XX:+UseSerialGC", "-XX:-UsePerfData",
            # JPype asks for a collection of all garbage whenever this process has grown.
            "-XX:+DisableExplicitGC",
            "-Djava.awt.headless=true",
            jvmpath=java.find_jvm(program),
            classpath=[jar],
            interrupt=False,
        )  # fmt: skip
    except (OSError, RuntimeError) as error:
        raise EngineError(
            f"Java does not start in this process: {error}",
            where=str(program),
            remedy=_RESTART
            if "restarted" in str(error)
            else "Run `toolkit doctor --deep`: it says what is missing",
        ) from error
    # Else Python's end would wait for the end of this thread, if it is not the main one.
    jpype.JClass("java.lang.Thread").detach()


@functools.cache
def _thread_pool() -> ThreadPoolExecutor:
    """Return the only threads that call Java: JPype keeps every thread that ever did."""
    limit = os.environ.get("OMP_NUM_THREADS", "")
    count = int(limit) if limit.isdigit() else os.cpu_count() or 1
    return ThreadPoolExecutor(max(1, count), "h2o-scoring")


@functools.cache
def _scoring_loop() -> Any:
    """Return a Java method that scores rows: it takes a model, the rows and an array of scores."""
    import jpype

    handles = jpype.JClass("java.lang.invoke.MethodHandles")
    kind = jpype.JClass("java.lang.invoke.MethodType").methodType
    model = jpype.JClass("hex.genmodel.GenModel").class_
    row, table = jpype.JClass("double[]").class_, jpype.JClass("double[][]").class_
    number = jpype.JClass("java.lang.Integer").TYPE
    nothing = jpype.JClass("java.lang.Void").TYPE
    score = handles.publicLookup().findVirtual(model, "score0", kind(row, row, row))
    pick = handles.arrayElementGetter(table)
    # score(model, rows[i], found[i]), as a function of (i, model, rows, found) without a result.
    picked = handles.collectArguments(handles.collectArguments(score, 2, pick), 1, pick)
    step = handles.permuteArguments(
        picked.asType(picked.type().changeReturnType(nothing)),
        kind(nothing, number, model, table, table),
        [1, 2, 0, 3, 0],
    )
    count = handles.dropArguments(handles.arrayLength(table), 0, [model])
    return handles.countedLoop(count, None, step)


def _detach_in_child() -> None:
    """Keep a forked child from Java: it would wait for threads that only its parent has."""
    import jpype.config

    jpype.config.onexit = False
    gc.callbacks[:] = [call for call in gc.callbacks if call.__module__ != "_jpype"]


def _check_running() -> None:
    import jpype

    if _owner_pid != os.getpid():
        raise EngineError(
            "H2O's models cannot be scored in a process that was forked after Java was started",
            remedy="Start worker processes by spawn, or load H2O's models in them first",
        )
    if not jpype.isJVMStarted():
        raise EngineError("the JVM of this process was shut down", remedy=_RESTART)


def _raise_if_out_of_memory(error: Any) -> None:
    if "OutOfMemoryError" in str(error):
        raise EngineError(
            "Java, which scores H2O's models, ran out of memory in this process",
            remedy="Set the environment variable _JAVA_OPTIONS to a larger heap, such as -Xmx8g,"
            " before Python is started",
        ) from error


def _first_line(error: Any) -> str:
    return str(error).strip().splitlines()[0][:300].rstrip(".")


def _texts(values: Any) -> list[str] | None:
    return None if values is None else [str(value) for value in values]
