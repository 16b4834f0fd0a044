"""Helpers of the tests of `deploy/`: its path, the programs that check it, and its commands as BeatSync parses them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import missing_service

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"


def need(program: str) -> str:
    """Return the path of a program. If it is missing, skip the test with the reason; under CI, fail."""
    beside = Path(sys.executable).parent / program
    path = str(beside) if beside.exists() else shutil.which(program)
    if path is None:
        missing_service(program, "it is not installed; .ci/run shows how")
    return str(path)


def need_module(name: str) -> Any:
    """Import a module of the extra `test`; skip or fail like `need` if it is missing."""
    try:
        return import_module(name)
    except ImportError as error:
        missing_service(name, error)


def check(program: str, *words: str | Path, cwd: Path = ROOT) -> str:
    """Run a checker and return its standard output; its findings are the failure message."""
    process = subprocess.run([need(program), *map(str, words)], cwd=cwd, capture_output=True, text=True, check=False)
    assert process.returncode == 0, f"{program}: {process.stdout}{process.stderr}"
    return process.stdout


def parse(words: Sequence[str], variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the parameters that `beatsync` parses from a command line and environment variables.

    Raises click.UsageError for an unknown flag, value or command.
    """
    from beatsync.cli.group import group

    for name in [name for name in os.environ if name.startswith("BEATSYNC_")]:
        monkeypatch.delenv(name)
    variables_read = known_variables()
    for name, value in variables.items():
        assert not name.startswith("BEATSYNC_") or name in variables_read, f"beatsync reads no variable {name}"
        monkeypatch.setenv(name, value)
    with group.make_context("beatsync", list(words)) as context:
        command = group.get_command(context, words[0])
        assert command is not None, words
        with command.make_context(words[0], list(words[1:]), parent=context) as inner:
            return dict(inner.params)


def known_variables() -> set[str]:
    """Return every environment variable that a command reads."""
    import click

    from beatsync.cli.group import COMMANDS, group

    variables: set[str] = set()
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        for parameter in command.params:
            names = parameter.envvar or []
            variables.update([names] if isinstance(names, str) else names)
    return variables
