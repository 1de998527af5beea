"""A real JupyterLab in a headless Chromium: helpers for tests and for screenshots in the docs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

TOKEN = "lab-test"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
WIDTH = 1100
NO_BROWSER = "no Chromium: install it, or set CHROMIUM to its path"
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    # Every cell in the document, so that a screenshot holds the whole notebook.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "docmanager-extension/plugin": {"autosave": False},
}


def chromium() -> str | None:
    """Return the browser's path: `CHROMIUM`, or where systems put it."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@contextlib.contextmanager
def jupyterlab(root: Path, scratch: Path, *, dark: bool = False, policy: str = "") -> Iterator[str]:
    """Serve a folder by a JupyterLab with settings of its own; gives the base URL.

    Parameters
    ----------
    root : Path
        The folder.
    scratch : Path
        For settings and logs.
    dark : bool
        Whether the theme is dark.
    policy : str
        The Content-Security-Policy of every page, in place of the server's.
    """
    env = dict(os.environ)
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        env[f"JUPYTER_{name}"] = str(scratch / name.lower())
    for name in ("SETTINGS_DIR", "WORKSPACES_DIR"):
        env[f"JUPYTERLAB_{name}"] = str(scratch / name.lower())
    theme = {"theme": "JupyterLab Dark" if dark else "JupyterLab Light"}
    for name, values in {**SETTINGS, "apputils-extension/themes": theme}.items():
        path = scratch / "settings_dir" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    port = _free_port()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += ["--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    command += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}"]
    command += ["--expose-app-in-browser", "--KernelManager.shutdown_wait_time=2"]
    if policy:
        headers = {"headers": {"Content-Security-Policy": policy}}
        command += [f"--ServerApp.tornado_settings={headers}"]
    log = scratch / "jupyterlab.log"
    with log.open("w") as stream:
        server = subprocess.Popen(command, env=env, cwd=root, stdout=stream, stderr=stream)
    base = f"http://127.0.0.1:{port}"
    try:
        _wait_for_server(base, server, log)
        yield base
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@contextlib.contextmanager
def browser(scratch: Path) -> Iterator[Any]:
    """Start the browser with a profile of its own; gives a playwright page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(scratch / "profile"),
            executable_path=chromium(),
            headless=True,
            args=FLAGS.split(),
            viewport={"width": WIDTH, "height": 1000},
        )
        context.set_default_timeout(120_000)
        try:
            yield context.pages[0] if context.pages else context.new_page()
        finally:
            context.close()


class Notebook:
    """One notebook open in the page.

    Parameters
    ----------
    page : playwright page
        See `browser`.
    base : str
        The server's URL, from `jupyterlab`.
    path : str
        The notebook, relative to the served folder.
    """

    def __init__(self, page: Any, base: str, path: str) -> None:
        self.page = page
        self.name = Path(path).stem
        page.set_viewport_size({"width": WIDTH, "height": 1000})
        page.goto(f"{base}/doc/tree/{path}?token={TOKEN}&reset")
        page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
            "?.connectionStatus === 'connected'",
            timeout=240_000,
        )
        self.wait_idle()

    def command(self, name: str) -> None:
        """Fire a JupyterLab command without waiting for its end."""
        self.page.evaluate(f"() => {{ void window.jupyterapp.commands.execute('{name}') }}")

    def run_all(self, timeout: float = 900) -> None:
        """Run every cell and fail on the first error, with its text.

        Parameters
        ----------
        timeout : float
            Seconds.
        """
        self.command("notebook:run-all-cells")
        until(self._all_ran, timeout, lambda: f"{self.name} still runs: {self.state()}")
        self.wait_idle()
        errors = [o for cell in self.state() for o in cell["errors"]]
        assert not errors, f"{self.name}: {errors}"

    def state(self) -> list[dict[str, Any]]:
        """Return, for each code cell, its first line, its count, and its errors."""
        return list(
            self.page.evaluate(
                """() => window.jupyterapp.shell.currentWidget.content.widgets
                .filter(c => c.model.type === 'code').map(c => ({
                  line: c.model.sharedModel.source.split('\\n')[0],
                  count: c.model.executionCount,
                  errors: c.model.outputs.toJSON().filter(o => o.output_type === 'error')
                    .map(o => o.ename + ': ' + o.evalue)}))"""
            )
        )

    def sources(self) -> list[str]:
        """Return the text of every cell, prose included."""
        script = """() => window.jupyterapp.shell.currentWidget.content.widgets
            .map(c => c.model.sharedModel.source)"""
        return list(self.page.evaluate(script))

    def wait_idle(self) -> None:
        """Wait until the kernel does nothing."""
        self.page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel"
            "?.status === 'idle'",
            timeout=900_000,
        )

    def panel(self, title: str = "") -> Any:
        """Return the locator of the notebook's first panel, or of the one with a title."""
        return self.page.locator(".toolkit-panel").filter(has_text=title).first

    def field(self, label: str, panel: str = "") -> Any:
        """Return the locator of the input with a label, in a panel."""
        return self.panel(panel).get_by_label(label, exact=True).first

    def options(self, label: str, panel: str = "") -> list[str]:
        """Return what the dropdown with a label offers."""
        texts = self.field(label, panel).locator("option").all_text_contents()
        return [text.replace("\xa0", " ") for text in texts]

    def unfold(self, panel: str = "") -> None:
        """Show the settings of the panel with a title."""
        self.panel(panel).get_by_role("button", name="Settings").click()

    def tab(self, title: str) -> None:
        """Open one of the panel's tabs, by the start of its title."""
        self.panel().get_by_role("tab").filter(has_text=re.compile(f"^{title}")).first.click()

    def screenshot(self, folder: Path | None) -> None:
        """Save a picture of the whole notebook as ``<name>.png``; nothing without a folder."""
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        height = self.page.evaluate(
            """() => { const cells = document.querySelectorAll('.jp-Notebook .jp-Cell');
            const outer = document.querySelector('.jp-WindowedPanel-outer');
            outer.scrollTop = 0;
            return cells[cells.length - 1].getBoundingClientRect().bottom + 60 }"""
        )
        self.page.set_viewport_size({"width": WIDTH, "height": min(int(height), 30_000)})
        self.page.wait_for_timeout(700)
        self.page.screenshot(path=str(folder / f"{self.name}.png"))
        self.page.set_viewport_size({"width": WIDTH, "height": 1000})

    def close(self) -> None:
        """Shut the kernel down; what is unsaved is dropped."""
        script = "async () => { await window.jupyterapp.shell.currentWidget.sessionContext"
        self.page.evaluate(script + ".shutdown() }")

    def _all_ran(self) -> bool:
        cells = self.state()
        if any(cell["errors"] for cell in cells):
            return True
        return all(cell["count"] for cell in cells if cell["line"])


def until(ready: Callable[[], Any], seconds: float, say: Callable[[], str]) -> Any:
    """Return the first true result; after some time fail with what is said."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := ready():
            return result
        time.sleep(0.2)
    raise AssertionError(say())


def screenshots() -> Path | None:
    """Return the folder that `TOOLKIT_SCREENSHOTS` names, if it does."""
    name = os.environ.get("TOOLKIT_SCREENSHOTS")
    return Path(name) if name else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_server(base: str, server: subprocess.Popen[bytes], log: Path) -> None:
    def answers() -> bool:
        if server.poll() is not None:
            raise AssertionError(f"JupyterLab ended: {_tail(log)}")
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"{base}/api?token={TOKEN}", timeout=2).read()
            return True
        return False

    until(answers, 240, lambda: f"JupyterLab does not answer: {_tail(log)}")


def _tail(log: Path) -> str:
    return re.sub(r"\s+", " ", log.read_text(errors="replace")[-1500:])
