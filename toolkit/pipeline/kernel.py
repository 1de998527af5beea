"""A kernel of this very Python, started and ended by us: no kernelspec of a user's matters."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# The kernel's sockets lie in files, whose whole path the system limits (108 bytes on Linux, 104 on
# macOS, the end mark included).
_LONGEST_SOCKET = 100
_SHUT_DOWN_SECONDS = 2.0
_KILL_SECONDS = 10.0


class Kernel:
    """One kernel process and everything it starts.

    Parameters
    ----------
    folder : Path
        Its working folder.
    scratch : Path
        A private folder for the connection file and for temporary files.
    environment : mapping of str to str
        Variables on top of this process's own.
    log : Path or None
        Where its own output goes, what cells print excepted.
    warm : bool
        Whether it imports pandas before it is asked to.

    Notes
    -----
    Start it in the main thread: on Linux the child is tied to the life of the thread
    that started it.
    """

    def __init__(
        self,
        folder: Path,
        scratch: Path,
        environment: Mapping[str, str],
        *,
        log: Path | None = None,
        warm: bool = False,
    ) -> None:
        from jupyter_client.kernelspec import KernelSpec
        from jupyter_client.manager import KernelManager

        # Sockets in a private folder: nobody else on the machine can reach them.
        sockets = scratch / f"k{os.urandom(4).hex()}"
        self._nearer: Path | None = None
        if sys.platform != "win32" and len(os.fsencode(sockets)) > _LONGEST_SOCKET:
            self._nearer = Path(tempfile.mkdtemp(prefix="toolkit-sockets-", dir="/tmp"))
            sockets = self._nearer / sockets.name
        argv = [sys.executable, "-P", "-m", "toolkit.pipeline.kernel_main"]
        argv += ["--warm"] if warm else []
        argv += ["-f", "{connection_file}", "--HistoryManager.enabled=False"]
        self.manager = KernelManager(
            client_class="jupyter_client.asynchronous.AsyncKernelClient",
            connection_file=str(scratch / f"{sockets.name}.json"),
            **({} if sys.platform == "win32" else {"transport": "ipc", "ip": str(sockets)}),
        )
        self.manager._kernel_spec = KernelSpec(argv=argv, display_name="toolkit", language="python")
        variables = {
            **os.environ,
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            "TMPDIR": str(scratch),
            **environment,
        }
        # What a kernel says outside of cells (a crash's last words) is no part of our output.
        with log.open("ab") if log is not None else contextlib.nullcontext() as stream:
            output = stream or subprocess.DEVNULL
            self.manager.start_kernel(cwd=str(folder), env=variables, stdout=output, stderr=output)
        provisioner: Any = self.manager.provisioner
        self._process: subprocess.Popen[bytes] = provisioner.process

    @property
    def pid(self) -> int:
        """The kernel's process id."""
        return int(self._process.pid)

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    async def answer(self, seconds: float) -> None:
        """Wait until the kernel answers.

        Raises
        ------
        RuntimeError
            If it does not, or ends.
        """
        client: Any = self.manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(seconds)
        finally:
            client.stop_channels()

    def wait(self, seconds: float) -> int | None:
        """Wait for the process to end on its own; its return code, or None if it runs on."""
        try:
            return int(self._process.wait(seconds))
        except subprocess.TimeoutExpired:
            return None

    def shut_down(self) -> None:
        """Ask the kernel to end, so that what it started can tidy up; kill what is left."""
        self.manager.request_shutdown()
        self.wait(_SHUT_DOWN_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the process and all that it started; safe to call twice."""
        import psutil

        process = self._process
        family = family_of(process.pid) if self.alive() else []
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait(_KILL_SECONDS)
        for child in family:
            with contextlib.suppress(psutil.Error):
                child.kill()
        psutil.wait_procs(family, timeout=_KILL_SECONDS)
        self.manager.cleanup_resources()
        if self._nearer is not None:
            shutil.rmtree(self._nearer, ignore_errors=True)


def family_of(pid: int) -> list[Any]:
    """Return the processes that descend from a process."""
    import psutil

    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return []


def sweep(scratch: Path) -> None:
    """End every process that works in a chain's scratch folder.

    A kernel that is killed leaves its children to the init process; they still carry the
    folder's name in their environment.
    """
    import psutil

    mine = psutil.Process().pid
    left = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != mine and process.environ().get("TMPDIR") == str(scratch):
                process.kill()
                left.append(process)
    psutil.wait_procs(left, timeout=_KILL_SECONDS)
