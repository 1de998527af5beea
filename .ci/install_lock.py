"""Install the lock with pip, and show how far it is: a line that is rewritten, or a few lines.

Run with the Python of the environment to install into: ``python install_lock.py LOCK``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path

_TERMINAL_SECONDS = 0.2
_LOG_SECONDS = 60.0
_LOG_SHARE = 0.1
"""A log gets a line for each tenth of the packages, or a minute after the last one."""
_PIP = ("--disable-pip-version-check", "--no-input", "--no-deps", "--require-hashes")
_CHOSEN = re.compile(r"Collecting (\S+?)==(\S+)|Requirement already satisfied: (\S+?)==(\S+)")
_FILE = re.compile(r"\s+(?:Downloading|Using cached) .*(\([\d.]+ [kMG]?B\))")


class Progress:
    """What is shown; written to by the threads that read pip's output."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._live = sys.stdout.isatty()
        self._since = time.monotonic()
        self._lock = threading.Lock()
        self._shown = 0.0
        self._last = ("", -1)

    def show(self, phase: str, done: int, text: str = "") -> None:
        """Say that so many packages of the phase are done, now and then."""
        now = time.monotonic()
        line = f"{self._clock(now)} {phase} {done}/{self.total} {text}".rstrip()
        with self._lock:
            if self._live:
                if now - self._shown >= _TERMINAL_SECONDS:
                    width = shutil.get_terminal_size().columns - 1
                    print(f"\r\033[K{line[:width]}", end="", flush=True)
                    self._shown = now
                return
            before, count = self._last
            if (
                phase != before
                or (done >= min(count + self.total * _LOG_SHARE, self.total) and done > count)
                or now - self._shown >= _LOG_SECONDS
            ):
                print(line, flush=True)
                self._shown, self._last = now, (phase, done)

    def say(self, line: str) -> None:
        """Print a whole line of pip's own, such as an error."""
        with self._lock:
            if self._live:
                print("\r\033[K", end="", flush=True)
            print(line, file=sys.stderr, flush=True)

    def close(self, text: str) -> None:
        """Print the last line."""
        with self._lock:
            start = "\r\033[K" if self._live else ""
            print(f"{start}{self._clock(time.monotonic())} {text}", flush=True)

    def _clock(self, now: float) -> str:
        minutes, seconds = divmod(int(now - self._since), 60)
        return f"{minutes:3d}:{seconds:02d}"


def wanted(lock: Path) -> int:
    """Return how many of the lock's packages this Python on this system takes."""
    # The environment is new: pip's own copy of packaging is the only one there is.
    from pip._vendor.packaging.requirements import Requirement

    lines = lock.read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith((" ", "#"))]
    needs = [Requirement(line.partition(" --hash")[0].rstrip("\\ ")) for line in pins]
    return sum(need.marker is None or need.marker.evaluate() for need in needs)


def installed() -> int:
    """Return how many packages lie in the environment."""
    return sum(1 for _ in Path(sysconfig.get_path("purelib")).glob("*.dist-info/RECORD"))


def install(lock: Path) -> int:
    """Run pip; return its exit code."""
    progress = Progress(wanted(lock))
    command = [sys.executable, "-m", "pip", "install", *_PIP, "--progress-bar", "off"]
    command += ["--requirement", str(lock)]
    pip = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
    )
    errors = threading.Thread(target=_pass_on, args=(pip, progress))
    errors.start()
    phase = _Phase(progress)
    reader = threading.Thread(target=phase.read, args=(pip,))
    reader.start()
    try:
        while pip.poll() is None:
            phase.tick()
            time.sleep(_TERMINAL_SECONDS)
    except KeyboardInterrupt:
        pip.wait()
    reader.join()
    errors.join()
    if pip.returncode == 0:
        progress.close(f"all {progress.total} packages are installed")
    else:
        progress.close("pip failed; what it said is above")
    return pip.returncode


class _Phase:
    """Collecting, then installing: pip names each package in the first, none in the second."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._chosen = 0
        self._text = ""
        self._name = "collecting"

    def read(self, pip: subprocess.Popen[str]) -> None:
        assert pip.stdout is not None
        for line in pip.stdout:
            if found := _CHOSEN.match(line):
                self._chosen += 1
                self._text = " ".join(word for word in found.groups() if word)
            elif found := _FILE.match(line):
                self._text = f"{self._text.partition(' (')[0]} {found[1]}"
            elif line.startswith("Installing collected packages"):
                self._name, self._text = "installing", ""
            if self._name == "collecting":
                self.tick()

    def tick(self) -> None:
        done = self._chosen
        if self._name == "installing":
            done = min(installed(), self._progress.total)
        self._progress.show(self._name, done, self._text)


def _pass_on(pip: subprocess.Popen[str], progress: Progress) -> None:
    assert pip.stderr is not None
    for line in pip.stderr:
        progress.say(line.rstrip("\n"))


if __name__ == "__main__":
    sys.exit(install(Path(sys.argv[1])))
