"""Runs a command in a pseudo-terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cli.commanding import ROOT


@dataclass
class Terminal:
    """A running command and its output so far, including escape sequences."""

    process: subprocess.Popen[bytes]
    _master: int
    shown: str = ""

    def wait_for(self, text: str, seconds: float = 30) -> None:
        """Read until `text` is shown."""
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            assert self._read(), self.shown

    def end(self) -> int:
        """Read until the command has ended; return its exit code."""
        while self._read():
            pass
        return self.process.wait(timeout=30)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], 30)
        assert ready, f"no more output: {self.shown!r}"
        # On Linux, reading raises an error after the last writer has closed the terminal.
        with contextlib.suppress(OSError):
            got = os.read(self._master, 65536)
            self.shown += got.decode()
            return bool(got)
        return False


@contextlib.contextmanager
def terminal(path: Path, *words: str, env: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    """Run `beatsync` in a new terminal."""
    master, slave = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "beatsync", *words],
            cwd=path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **(env or {})},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
    finally:
        os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait(timeout=30)
        os.close(master)
