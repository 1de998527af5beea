"""What a headless kernel's process runs: ``python -P -m toolkit.pipeline.kernel_main``.

It ends with its parent even if that is killed outright, and it imports the libraries
that stages share before the first cell asks for them.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1
_SHARED = ("pandas", "pyarrow.parquet", "ipywidgets", "toolkit.run.stage")


def _end_with_parent() -> None:
    # ipykernel's own poller looks once a second; the operating system needs no second,
    # so that no two writers ever meet in a run folder.
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.environ.get("JPY_PARENT_PID") not in (None, str(os.getppid())):
        os._exit(1)  # the parent went away before the call above


def main() -> None:
    """Start the kernel; returns when it is shut down."""
    _end_with_parent()
    if "--warm" in sys.argv:
        sys.argv.remove("--warm")
        for name in _SHARED:
            importlib.import_module(name)
    from ipykernel.ipkernel import IPythonKernel
    from ipykernel.kernelapp import IPKernelApp

    from toolkit.pipeline.kernel_stream import KernelStream

    class HeadlessKernel(IPythonKernel):  # type: ignore[misc]
        async def shutdown_request(self, stream: Any, ident: Any, parent: Any) -> None:
            KernelStream.ending = True
            await super().shutdown_request(stream, ident, parent)

    IPKernelApp.launch_instance(
        kernel_class=HeadlessKernel,
        outstream_class=f"{KernelStream.__module__}.{KernelStream.__name__}",
    )


if __name__ == "__main__":
    main()
