"""The server of a chain, such as H2O: started beside the first stages, handed to the search."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from toolkit.errors import ToolkitError

if TYPE_CHECKING:
    from toolkit.automl.engines.base import SharedServer
    from toolkit.project.model import Project


class ChainServer:
    """Servers of engines for the search of the chain, or nothing if no engine needs one.

    Parameters
    ----------
    project : Project
        Says what memory and threads a server may have.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="server")
        self._servers: dict[str, Future[SharedServer]] = {}

    def start(self, engine: str) -> None:
        """Begin to start an engine's server in the background; nothing happens if it runs."""
        from toolkit.automl import engines

        server = self._servers.get(engine)
        if server is not None and (not server.done() or _alive(server)):
            return
        if server is not None:
            _stop(server)
        self._servers[engine] = self._pool.submit(engines.get(engine).shared_server, self._project)

    def ready(self) -> bool:
        """Whether `environment` would answer at once."""
        return all(server.done() for server in self._servers.values())

    def environment(self) -> dict[str, str]:
        """Return the variables by which kernels find the servers; waits until they are up.

        Where one could not be started the stage that needs it starts its own, and says what
        is wrong if that fails as well.
        """
        variables: dict[str, str] = {}
        for server in self._servers.values():
            try:
                variables |= server.result().environment
            except ToolkitError as error:
                logging.getLogger("toolkit").warning("%s", error.line())
        return variables

    def stop(self) -> None:
        """End the servers."""
        for server in self._servers.values():
            _stop(server)
        self._servers.clear()
        self._pool.shutdown(wait=True)


def _alive(server: Future[SharedServer]) -> bool:
    return server.exception() is None and server.result().alive()


def _stop(server: Future[SharedServer]) -> None:
    if not server.cancel() and server.exception() is None:
        server.result().stop()
