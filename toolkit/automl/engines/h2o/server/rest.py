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
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from toolkit.errors import EngineError

_TIMEOUT_SECONDS = 600
_FASTEST_POLL, _SLOWEST_POLL = 0.01, 0.5
_CANCEL_SECONDS = 30
_BLOCK = 1 << 20
_RUNNING = ("CREATED", "RUNNING")


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

    def get(self, path: str, /, **parameters: Any) -> Any:
        """Return the JSON answer to a GET."""
        return json.loads(self._call("GET", path + _query(parameters)))

    def post(self, path: str, /, **parameters: Any) -> Any:
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

    def upload(self, content: bytes | Path, key: str) -> None:
        """Store bytes, or a file's bytes, under a key."""
        boundary = "toolkit-boundary-7f3a"
        head = (
            f"--{boundary}\r\nContent-Disposition: form-data; name=file; filename={key}\r\n"
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(head) + size + len(tail)),
        }
        target = "/3/PostFile.bin" + _query({"destination_frame": key})
        self._call("POST", target, _pieces(head, content, tail), headers)

    def download(self, path: str, /, **parameters: Any) -> bytes:
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
        self,
        job: str,
        watch: Callable[[dict[str, Any]], None] | None = None,
        deadline: float | None = None,
    ) -> dict[str, Any]:
        """Poll a job until it ends and return its record.

        Parameters
        ----------
        job : str
            The job's key.
        watch : callable, optional
            Called with the record at every poll.
        deadline : float, optional
            The moment of `time.monotonic` at which the job is cancelled.

        Raises
        ------
        EngineError
            If the job failed, its time was over, or the server ended.
        """
        pause = _FASTEST_POLL
        try:
            while True:
                record = self._job(job)
                if record["status"] not in _RUNNING:
                    break
                if watch is not None:
                    watch(record)
                if deadline is not None and time.monotonic() > deadline:
                    self.cancel(job)
                    raise EngineError("H2O: the time for this model was over before it was done")
                time.sleep(pause)
                pause = min(_SLOWEST_POLL, pause * 1.5)
        except KeyboardInterrupt:
            self.cancel(job)
            raise
        if record["status"] == "FAILED":
            raise EngineError(f"H2O: {_first_line(record.get('exception') or 'a job failed')}")
        if record["status"] == "CANCELLED":
            raise EngineError("H2O: the job was cancelled")
        return record

    def cancel(self, job: str) -> None:
        """Cancel a job, and wait for a while until it has let go."""
        self.post(f"/3/Jobs/{urllib.parse.quote(job, safe='')}/cancel")
        deadline = time.monotonic() + _CANCEL_SECONDS
        while self._job(job)["status"] in _RUNNING and time.monotonic() < deadline:
            time.sleep(0.1)

    def _job(self, job: str) -> dict[str, Any]:
        record: dict[str, Any] = self.get(f"/3/Jobs/{urllib.parse.quote(job, safe='')}")["jobs"][0]
        return record

    def send(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = _TIMEOUT_SECONDS,
    ) -> tuple[int, bytes]:
        """Return the HTTP status of a request and what came with it.

        Raises
        ------
        OSError, http.client.HTTPException
            If no server answers.
        """
        address = urllib.parse.urlsplit(self.url)
        kind = (
            http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        )
        headers = dict(headers or {})
        if self.user:
            login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            headers["Authorization"] = f"Basic {login}"
        link = kind(address.hostname or "127.0.0.1", address.port, timeout=timeout)
        try:
            link.request(method, address.path.rstrip("/") + path, body, headers)
            answer = link.getresponse()
            return answer.status, answer.read()
        finally:
            link.close()

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = _TIMEOUT_SECONDS,
    ) -> bytes:
        try:
            status, content = self.send(method, path, body, headers, timeout)
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(
                f"H2O's JVM ended or does not answer{self.explain_death()}",
                remedy="Run again: finished models are kept",
            ) from error
        if status >= 400:
            raise EngineError(f"H2O: {_message(content, status)}")
        return content


def _pieces(head: bytes, content: bytes | Path, tail: bytes) -> Iterable[bytes]:
    yield head
    if isinstance(content, bytes):
        yield content
    else:
        with content.open("rb") as stream:
            while block := stream.read(_BLOCK):
                yield block
    yield tail


def _query(parameters: dict[str, Any]) -> str:
    return "?" + urllib.parse.urlencode(
        {
            key: json.dumps(value) if isinstance(value, list | bool | dict) else value
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
    return lines[0][:400] if lines else "no reason given"
