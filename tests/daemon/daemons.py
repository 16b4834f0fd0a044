"""Helpers of the daemon tests: the files of a source, and `beatsync run` as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from beatsync.published import read_schema
from tests.processes import until

REPOSITORY = Path(__file__).parent.parent.parent


def write(folder: Path, *names: str, every: int = 60, file: str = "a.yaml") -> None:
    """Write one spec file by rename, as editors and mounts do. Without names it declares nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    schedules = {name: {"task": "shop.tasks.bill", "interval": f"{every}s"} for name in names}
    new = folder / f".{file}.new"
    new.write_text(json.dumps({"schedules": schedules}))
    new.replace(folder / file)


class Daemon:
    """`beatsync run` as a process."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def events(self) -> list[dict[str, Any]]:
        """The parsed lines of its log."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    @property
    def port(self) -> int:
        """The port of its endpoints, as soon as it listens."""
        return int(until(lambda: [e["port"] for e in self.events if "port" in e], what=lambda: self.log)[0])

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
        """Return an endpoint's status and body."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def status(self, name: str | None = None) -> dict[str, Any]:
        """Return the source `name` in `/status`, or its first source, after a check against the published schema."""
        _, body = self.get("/status")
        status = json.loads(body)
        Draft202012Validator(read_schema("daemon")).validate(status)
        return next(source for source in status["sources"] if name in {None, source["name"]})

    def until_phase(self, phase: str, seconds: float = 30.0, name: str | None = None) -> dict[str, Any]:
        return until(lambda: (s := self.status(name))["phase"] == phase and s, seconds, lambda: self.log) or {}

    def until_ready(self) -> None:
        until(lambda: self.get("/-/ready")[0] == 200, what=lambda: self.log)

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
        return self.process.wait(40)


@contextmanager
def daemon(
    folder: Path, url: str, tmp_path: Path, *flags: str, before: Sequence[str] = (), **environment: str
) -> Iterator[Daemon]:
    """Run the daemon while the body runs; `before` is a command to which the daemon's command line is appended."""
    log = tmp_path / f"daemon-{time.monotonic_ns()}.log"
    words = ["run", str(folder), "--database-url", url, "--listen", "127.0.0.1:0", "--log-format", "json", *flags]
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("BEATSYNC_", "DJANGO_"))}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*before, sys.executable, "-m", "beatsync", *words],
            cwd=tmp_path,
            # Many tests replace every schedule of a source, which a guard would stop.
            env=clean | {"PYTHONPATH": str(REPOSITORY), "BEATSYNC_MAX_DELETES": "100%"} | environment,
            stdout=stream,
            stderr=stream,
        )
    running = Daemon(process, log)
    try:
        yield running
    finally:
        running.end(signal.SIGKILL)
