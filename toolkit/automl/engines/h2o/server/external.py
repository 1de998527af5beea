"""A cluster that is there already: named by ``h2o.url``, checked before it is used.

Its login comes from the environment, never from the project file.
"""

from __future__ import annotations

import http.client
import importlib.metadata
import json
import os
import urllib.parse
from typing import Any

from toolkit.automl.engines.h2o.server.rest import Server
from toolkit.errors import EngineError

USER, PASSWORD = "TOOLKIT_H2O_USER", "TOOLKIT_H2O_PASSWORD"
_WHERE = "h2o.url"
_REFUSED = (401, 403)


def attach(url: str) -> Server:
    """Return the way to a cluster that answers, lets us in, and runs our version of H2O.

    Parameters
    ----------
    url : str
        Of any of its nodes, such as ``http://127.0.0.1:54321``.

    Raises
    ------
    EngineError
        If one of that is not so.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise EngineError(
            f"{url!r} is no address", where=_WHERE, expected="such as http://127.0.0.1:54321"
        )
    if parts.username or parts.password:
        raise EngineError(
            "the address holds a login, which would stay in the project file",
            where=_WHERE,
            remedy=f"Take it out of the address, and set {USER} and {PASSWORD} in the environment",
        )
    server = Server(url.rstrip("/"), os.environ.get(USER, ""), os.environ.get(PASSWORD, ""))
    _check(server, _cloud(server))
    return server


def _cloud(server: Server) -> dict[str, Any]:
    try:
        status, content = server.send("/3/Cloud")
    except (OSError, http.client.HTTPException) as error:
        raise EngineError(
            f"no H2O answers at {server.url} ({type(error).__name__}: {error})",
            where=_WHERE,
            remedy="Start the cluster, or remove h2o.url: the toolkit then starts one node itself",
        ) from error
    if status in _REFUSED:
        problem = (
            f"the cluster at {server.url} refuses the login of {server.user!r}"
            if server.user
            else f"the cluster at {server.url} asks for a login, and there is none"
        )
        raise EngineError(
            problem, where=_WHERE, remedy=f"Set {USER} and {PASSWORD} in the environment"
        )
    try:
        cloud: dict[str, Any] = json.loads(content)
    except ValueError:
        cloud = {}
    if not isinstance(cloud, dict) or not {"version", "cloud_healthy", "cloud_size"} <= set(cloud):
        raise EngineError(
            f"what answers at {server.url} is not H2O (HTTP status {status})", where=_WHERE
        )
    return cloud


def _check(server: Server, cloud: dict[str, Any]) -> None:
    here = importlib.metadata.version("h2o")
    if cloud["version"] != here:
        raise EngineError(
            f"the cluster at {server.url} runs H2O {cloud['version']}",
            where=_WHERE,
            expected=f"{here}, the version of the toolkit's environment: models are read by it",
        )
    if not cloud["cloud_healthy"]:
        ill = cloud.get("bad_nodes") or "some"
        raise EngineError(
            f"the cluster at {server.url} is not healthy: {ill} of {cloud['cloud_size']} nodes"
            " do not answer",
            where=_WHERE,
            remedy="Start the cluster again",
        )
