"""What the tests of `deploy/` share: where it is, the programs that check it, and its commands as BeatSync parses them."""

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
    """Return a program's path. Where it is missing the test is skipped, loudly; under CI it fails."""
    beside = Path(sys.executable).parent / program
    found = str(beside) if beside.exists() else shutil.which(program)
    if found is None:
        missing_service(program, "it is not installed; .ci/run tells how")
    return str(found)


def need_module(name: str) -> Any:
    """Import a module of the extra `test`, and skip or fail as `need` does."""
    try:
        return import_module(name)
    except ImportError as error:
        missing_service(name, error)


def check(program: str, *words: str | Path, cwd: Path = ROOT) -> str:
    """Run a program that finds faults; they are the failure's message. Returns its standard output."""
    done = subprocess.run([need(program), *map(str, words)], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
    return done.stdout


def parse(words: Sequence[str], variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Parse a command line as `beatsync` would with these environment variables, and return what each flag comes to.

    Raises click.UsageError for a flag, a value or a command that there is not.
    """
    from beatsync.cli.group import group

    for name in [name for name in os.environ if name.startswith("BEATSYNC_")]:
        monkeypatch.delenv(name)
    known = known_variables()
    for name, value in variables.items():
        assert not name.startswith("BEATSYNC_") or name in known, f"beatsync reads no variable {name}"
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

    found: set[str] = set()
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        for parameter in command.params:
            names = parameter.envvar or []
            found.update([names] if isinstance(names, str) else names)
    return found
