"""Files to discover, here and elsewhere."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from data.collections import remote


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder; ``failing`` gives how often a path is still to fail, by a status or (0) by breaking off."""

    failing: dict[str, list[int]]
    asked: list[tuple[str, str]]

    def do_HEAD(self) -> None:
        self.asked.append(("HEAD", self.path))
        super().do_HEAD()

    def do_GET(self) -> None:
        self.asked.append(("GET", self.path))
        failures = self.failing.get(self.path)
        if not failures:
            super().do_GET()
        elif status := failures.pop():
            self.send_error(status)
        else:
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(b"half")
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Nothing: tests read their output."""


class Server:
    """A web server on a folder."""

    def __init__(self, folder: Path) -> None:
        self.failing: dict[str, list[int]] = {}
        self.asked: list[tuple[str, str]] = []
        own = type("OwnHandler", (Handler,), {"failing": self.failing, "asked": self.asked})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(own, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Server]:
    """Serves the folder "web" below tmp_path."""
    pytest.importorskip("aiohttp", reason="fsspec needs it for web addresses")
    (tmp_path / "web").mkdir()
    server = Server(tmp_path / "web")
    yield server
    server.close()


@pytest.fixture
def memory() -> Iterator[MemoryFileSystem]:
    """fsspec's files in memory, none at first."""
    system = MemoryFileSystem()
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield system
    system.store.clear()


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once."""
    monkeypatch.setattr(remote, "FIRST_WAIT", 0.0)
