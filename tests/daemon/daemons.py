"""What the daemon's tests share: a source's files, a loop in this process, and the daemon as a process."""

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
    """Write one spec file by rename, as editors and mounts do; without names it declares nothing."""
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
        """What it logged, by line."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    @property
    def port(self) -> int:
        """Where it listens, once it does."""
        return int(until(lambda: [e["port"] for e in self.events if "port" in e], what=lambda: self.log)[0])

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
        """Return an endpoint's status and body."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def status(self, name: str | None = None) -> dict[str, Any]:
        """Return what `/status` says of a source, of its first one without a name; it is as its schema says."""
        said = json.loads(self.get("/status")[1])
        Draft202012Validator(read_schema("daemon")).validate(said)
        return next(source for source in said["sources"] if name in {None, source["name"]})

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
    """Run the daemon while the body runs; `before` is a command that runs what is said behind it."""
    log = tmp_path / f"daemon-{time.monotonic_ns()}.log"
    words = ["run", str(folder), "--database-url", url, "--listen", "127.0.0.1:0", "--log-format", "json", *flags]
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("BEATSYNC_", "DJANGO_"))}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*before, sys.executable, "-m", "beatsync", *words],
            cwd=tmp_path,
            env=clean | {"PYTHONPATH": str(REPOSITORY)} | environment,
            stdout=stream,
            stderr=stream,
        )
    one = Daemon(process, log)
    try:
        yield one
    finally:
        one.end(signal.SIGKILL)
