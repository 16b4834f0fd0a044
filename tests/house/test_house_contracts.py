"""The house's own rules, as tests whose message is the mend."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def test_nothing_imports_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"an import goes against .importlinter:\n{done.stdout}{done.stderr}"


def test_no_migration_is_missing() -> None:
    from django.core.management import call_command

    try:
        call_command("makemigrations", "beatsync", check=True, dry_run=True, verbosity=0)
    except SystemExit:
        pytest.fail("models changed without a migration: python -m django makemigrations beatsync")


@pytest.mark.parametrize("path", sorted(ROOT.glob("beatsync/*/__init__.py")), ids=lambda path: path.parent.name)
def test_every_room_says_what_it_is_for(path: Path) -> None:
    if path.parent.name == "migrations":
        return
    assert path.read_text(encoding="utf-8").startswith('"""'), f"write a docstring into {path}"


def test_no_table_of_django_celery_beat_is_referred_to() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("beatsync/migrations/*.py"))
    assert not re.search(r"to=.django_celery_beat|\(.django_celery_beat", text), (
        "an application may delete any PeriodicTask"
    )


def test_the_changelog_knows_the_version() -> None:
    from beatsync import __version__

    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {__version__}" in text or "## Unreleased" in text, (
        f"write what is new into CHANGELOG.md for {__version__}"
    )
