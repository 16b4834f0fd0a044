"""Real processes for tests: started with a log, waited for by a condition with a deadline, always ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], bool], seconds: float, what: Callable[[], str] | str) -> float:
    """Wait for `condition` and return how many seconds that took; fail with `what` after `seconds`."""
    begin = time.monotonic()
    until(condition, seconds, what)
    return time.monotonic() - begin


def until(condition: Callable[[], T], seconds: float = 30.0, what: Callable[[], object] | str = "") -> T:
    """Return the first answer of `condition` that is true; fail with `what` after `seconds`."""
    begin = time.monotonic()
    while not (found := condition()):
        if time.monotonic() - begin > seconds:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.02)
    return found


def run(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a Python module or script with this interpreter to its end."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@contextlib.contextmanager
def running(
    arguments: Sequence[str], log: Path, *, cwd: Path, env: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a process group running, its output in `log`; end it by SIGTERM, then by SIGKILL."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=cwd,
            env={**os.environ, **env},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(timeout=15)
