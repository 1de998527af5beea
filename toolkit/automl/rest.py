"""The few calls of H2O's REST interface that the toolkit needs, over the standard library.

H2O's own client keeps one global connection, prints, and takes seconds to import; a
light runner and several servers in one process need none of that.
"""

from __future__ import annotations

import base64
import http.client
import json
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

from toolkit.errors import EngineError

_TIMEOUT_SECONDS = 600
_FASTEST_POLL, _SLOWEST_POLL = 0.01, 0.5


class Server:
    """One H2O server.

    Parameters
    ----------
    url : str
        Such as ``http://127.0.0.1:54321``.
    user, password : str
        Its login.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self.user = user
        self.password = password
        self.explain_death: Callable[[], str] = lambda: ""

    def get(self, path: str, **parameters: Any) -> Any:
        """Return the JSON answer to a GET."""
        return json.loads(self._call("GET", path + _query(parameters)))

    def post(self, path: str, **parameters: Any) -> Any:
        """Return the JSON answer to a POST of form fields."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return json.loads(self._call("POST", path, _query(parameters)[1:].encode(), form))

    def post_json(self, path: str, body: dict[str, Any]) -> Any:
        """Return the JSON answer to a POST of JSON."""
        kind = {"Content-Type": "application/json"}
        return json.loads(self._call("POST", path, json.dumps(body).encode(), kind))

    def delete(self, key: str) -> None:
        """Remove a frame or model."""
        self._call("DELETE", f"/3/DKV/{urllib.parse.quote(key, safe='')}")

    def upload(self, content: bytes, key: str) -> None:
        """Store bytes under a key."""
        boundary = "toolkit-boundary-7f3a"
        head = (
            f"--{boundary}\r\nContent-Disposition: form-data; name=file; filename={key}\r\n"
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        body = head + content + f"\r\n--{boundary}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        self._call("POST", "/3/PostFile.bin" + _query({"destination_frame": key}), body, kind)

    def download(self, path: str, **parameters: Any) -> bytes:
        """Return the bytes that a GET gives."""
        return self._call("GET", path + _query(parameters))

    def alive(self) -> bool:
        """Whether the server answers."""
        try:
            self._call("GET", "/3/Ping", timeout=10)
        except EngineError:
            return False
        return True

    def wait(
        self, job: str, watch: Callable[[dict[str, Any]], None] | None = None
    ) -> dict[str, Any]:
        """Poll a job until it ends and return its record.

        Parameters
        ----------
        job : str
            The job's key.
        watch : callable, optional
            Called with the record at every poll.

        Raises
        ------
        EngineError
            If the job failed, or the server ended.
        """
        pause = _FASTEST_POLL
        path = f"/3/Jobs/{urllib.parse.quote(job, safe='')}"
        try:
            while True:
                record: dict[str, Any] = self.get(path)["jobs"][0]
                if record["status"] not in ("CREATED", "RUNNING"):
                    break
                if watch is not None:
                    watch(record)
                time.sleep(pause)
                pause = min(_SLOWEST_POLL, pause * 1.5)
        except KeyboardInterrupt:
            self.post(path + "/cancel")
            raise
        if record["status"] == "FAILED":
            raise EngineError(f"H2O: {_first_line(record.get('exception') or 'a job failed')}")
        return record

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = _TIMEOUT_SECONDS,
    ) -> bytes:
        login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        address = urllib.parse.urlsplit(self.url)
        link = http.client.HTTPConnection(
            address.hostname or "127.0.0.1", address.port, timeout=timeout
        )
        try:
            link.request(method, path, body, {**(headers or {}), "Authorization": f"Basic {login}"})
            answer = link.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(
                f"H2O's JVM ended or does not answer{self.explain_death()}",
                remedy="Run again: finished engines are kept",
            ) from error
        finally:
            link.close()
        if answer.status >= 400:
            raise EngineError(f"H2O: {_message(content, answer.status)}")
        return content


def _query(parameters: dict[str, Any]) -> str:
    return "?" + urllib.parse.urlencode(
        {
            key: json.dumps(value) if isinstance(value, list | bool) else value
            for key, value in parameters.items()
            if value is not None
        }
    )


def _message(content: bytes, status: int) -> str:
    try:
        answer = json.loads(content)
    except ValueError:
        return f"HTTP status {status}"
    text = answer.get("exception_msg") or answer.get("msg") or f"HTTP status {status}"
    return _first_line(str(text))


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and line != "ERROR MESSAGE:"]
    return lines[0] if lines else "no reason given"
