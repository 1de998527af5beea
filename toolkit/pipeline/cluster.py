"""The one JVM of a chain: started beside the first stages, handed to the kernels."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from toolkit.errors import ToolkitError
from toolkit.project.search import Budget


class ChainServer:
    """H2O for all kernels of the chain, or nothing if no stage needs it.

    Parameters
    ----------
    budget : Budget
        Memory and threads.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="h2o")
        self._future: Future[Any] | None = None

    def start(self) -> None:
        """Begin to start the JVM in the background; nothing happens if it is there."""
        if self._future is not None and self._future.done() and not self._alive():
            self._stop_one()
        if self._future is None:
            from toolkit.automl.engines.h2o.server import node

            self._future = self._pool.submit(node.start_shared, self._budget)

    def ready(self) -> bool:
        """Whether `environment` would answer at once."""
        return self._future is None or self._future.done()

    def environment(self) -> dict[str, str]:
        """Return the variables by which kernels find the JVM; waits until it is up.

        Where it could not be started the stage that needs it starts its own, and says what
        is wrong if that fails as well.
        """
        if self._future is None:
            return {}
        try:
            return dict(self._future.result().environment)
        except ToolkitError as error:
            logging.getLogger("toolkit").warning("%s", error.line())
            return {}

    def stop(self) -> None:
        """End the JVM."""
        self._stop_one()
        self._pool.shutdown(wait=True)

    def _alive(self) -> bool:
        assert self._future is not None
        return self._future.exception() is None and bool(self._future.result().alive())

    def _stop_one(self) -> None:
        future, self._future = self._future, None
        if future is not None and not future.cancel() and future.exception() is None:
            future.result().stop()
