"""The project of `tests/data/project41`, with its 41 rows, and the edits that people make to its code when they move."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.cli.commanding import ROOT, CommandResult
from tests.processes import run

PROJECT = ROOT / "tests" / "data" / "project41"
SECRETS = {"api_token": "t0p-of-settings", "password": "t0p-of-admin"}
UNWRITTEN = {"backfill 2023", "campaign 2023", "celery.backend_cleanup"}
"""What `export` leaves out."""
_MARK = "# The schedules, until they are moved:\n"
_TABLES = ("periodictask", "crontabschedule", "intervalschedule", "solarschedule", "clockedschedule", "periodictasks")
_DUMP = """
import django, json
django.setup()
from django.apps import apps
models = [apps.get_model("django_celery_beat", name) for name in {tables}]
print(json.dumps({{m.__name__: list(m.objects.order_by("pk").values()) for m in models}}, default=repr))
"""


class Bazaar:
    """A copy of the project on one database."""

    def __init__(self, path: Path, url: str) -> None:
        shutil.copytree(PROJECT, path)
        self.path = path
        self.specs = path / "schedules.d" / "schedules.yaml"
        self.env = {
            "PYTHONPATH": os.pathsep.join([str(path), str(ROOT)]),
            "DJANGO_SETTINGS_MODULE": "bazaar.settings",
            "PROJECT_DATABASE_URL": url,
        }

    def build(self) -> None:
        """Make the rows: by the data migration, in the admin, and by a start of beat."""
        for script in (["manage.py", "migrate", "--verbosity=0"], ["make_admin_rows.py"], ["start_beat.py"]):
            self.run(*script)

    def run(self, *arguments: str) -> str:
        """Run this Python interpreter to its end and return its output. Raises AssertionError if it fails."""
        process = run(*arguments, cwd=self.path, env=self.env)
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout

    def __call__(self, *words: str) -> CommandResult:
        """Run `manage.py beatsync`."""
        process = run("manage.py", "beatsync", *words, cwd=self.path, env=self.env)
        return CommandResult(process.returncode, process.stdout, process.stderr)

    def beside(self, *words: str, source: str) -> CommandResult:
        """Run `beatsync` with the database's URL only, as a service without the project's code."""
        env = {
            "PYTHONPATH": str(ROOT),
            "BEATSYNC_DATABASE_URL": self.env["PROJECT_DATABASE_URL"],
            "BEATSYNC_SOURCE": source,
        }
        folder = self.path.with_name(source)
        folder.mkdir(exist_ok=True)
        process = run("-m", "beatsync", *words, cwd=folder, env=env)
        return CommandResult(process.returncode, process.stdout, process.stderr)

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Return every column of every row of django-celery-beat by model, its notice to beat included."""
        tables: dict[str, list[dict[str, Any]]] = json.loads(self.run("-c", _DUMP.format(tables=_TABLES)))
        return tables

    def fill_in_secrets(self) -> None:
        """Replace the placeholders in the files, as `validate` requires."""
        text = self.specs.read_text(encoding="utf-8")
        for key, value in SECRETS.items():
            text = text.replace(f'{key}: "<fill-in:secret>"', f"{key}: {value}")
        self.specs.write_text(text, encoding="utf-8")

    def remove_schedules_from_code(self) -> None:
        """Take `beat_schedule` out of the settings, and `add_periodic_task` out of the code."""
        for name in ("settings.py", "celery.py"):
            path = self.path / "bazaar" / name
            before, mark, _ = path.read_text(encoding="utf-8").partition(_MARK)
            assert mark
            path.write_text(before, encoding="utf-8")

    def append_settings(self, python: str) -> None:
        """Append Python code to the project's settings."""
        with (self.path / "bazaar" / "settings.py").open("a", encoding="utf-8") as settings:
            settings.write(python)


class Guide:
    """The commands of one section of docs/moving-in.md, which a test runs in their order."""

    def __init__(self, section: str, runner: Callable[..., CommandResult]) -> None:
        text = (ROOT / "docs" / "moving-in.md").read_text(encoding="utf-8")
        body = re.split(r"^## ", text.partition(f"\n## {section}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
        lines = re.findall(r"^ {4,}(?:python manage\.py )?beatsync (.*)$", body, re.MULTILINE)
        self._commands = [shlex.split(line) for line in lines]
        self._run = runner

    def __call__(self, name: str, code: int = 0) -> CommandResult:
        """Run the next command of the section, which is `name`. Raises AssertionError if it ends with another code."""
        words = self._commands.pop(0)
        assert words[0] == name, f"the guide goes on with {shlex.join(words)}"
        result = self._run(*words)
        assert result.code == code, result.out + result.err
        return result

    def end(self) -> None:
        """Raise AssertionError if the section has more commands."""
        assert not self._commands


def write_files(bazaar: Bazaar, guide: Guide) -> CommandResult:
    """Follow the guide for settings and code up to valid files of all rows; return the result of `export`."""
    guide("import")
    bazaar.fill_in_secrets()
    guide("validate")
    exported = guide("export")
    bazaar.fill_in_secrets()
    assert guide("validate").out == "1 file, 38 schedules: valid\n"
    return exported


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return `MODEL.COLUMN of KEY` for each value that differs, and the keys of rows that only one side has."""
    found = []
    for model in before:
        old, new = ({row.get("id", row.get("ident")): row for row in side[model]} for side in (before, after))
        found += [f"{model} {key}" for key in old.keys() ^ new.keys()]
        for key in old.keys() & new.keys():
            found += [f"{model}.{column} of {key}" for column in old[key] if old[key][column] != new[key][column]]
    return sorted(found)
