"""The output stream of a headless kernel."""

from __future__ import annotations

from ipykernel.iostream import OutStream


class KernelStream(OutStream):  # type: ignore[misc]
    """An output stream whose `flush` returns at once when the kernel shuts down.

    ipykernel 7 may stop the thread that writes output before it waits, for ten seconds, until
    that thread has written everything.
    """

    ending = False
    """Whether the kernel shuts down: all cells have answered, and nothing is left to write."""

    def flush(self) -> None:
        """Wait until everything is written, unless the kernel shuts down."""
        if not KernelStream.ending:
            super().flush()
