"""A server's address and login, and whether it answers: over the standard library alone.

H2O's own client takes seconds to import and holds one connection a process. Notebooks and
the runner, which only start, name and watch servers, need neither; workers have the client
(`toolkit.automl.engines.h2o.client`).
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import urllib.parse
from collections.abc import Callable

_TIMEOUT_SECONDS = 20
_PING_SECONDS = 10


class Server:
    """One H2O server.

    Parameters
    ----------
    url : str
        Such as ``http://127.0.0.1:54321``.
    user, password : str
        Its login; no user where it asks for none.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self.user = user
        self.password = password
        self.explain_death: Callable[[], str] = lambda: ""

    def send(self, path: str, timeout: float = _TIMEOUT_SECONDS) -> tuple[int, bytes]:
        """Return the HTTP status of a GET and what came with it.

        Raises
        ------
        OSError, http.client.HTTPException
            If no server answers.
        """
        address = urllib.parse.urlsplit(self.url)
        kind = (
            http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        )
        headers = {}
        if self.user:
            login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            headers["Authorization"] = f"Basic {login}"
        link = kind(address.hostname or "127.0.0.1", address.port, timeout=timeout)
        with contextlib.closing(link):
            link.request("GET", address.path.rstrip("/") + path, headers=headers)
            answer = link.getresponse()
            return answer.status, answer.read()

    def alive(self) -> bool:
        """Whether the server answers."""
        try:
            return self.send("/3/Ping", _PING_SECONDS)[0] == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
