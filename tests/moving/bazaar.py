"""The project of `tests/data/project41`, with its 41 rows, and the edits that people make to its code when they move."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
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

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Return every column of every row of django-celery-beat by model, its notice to beat included."""
        tables: dict[str, list[dict[str, Any]]] = json.loads(self.run("-c", _DUMP.format(tables=_TABLES)))
        return tables

    def export_all(self) -> CommandResult:
        """Write the files by `import` and `export`, and fill in the secrets; return the result of `export`."""
        assert self("import", "--out", "schedules.d").code == 0
        exported = self("export", "--out", "schedules.d", "--update")
        assert exported.code == 0
        assert self("validate").out.count("[value-placeholder]") == len(SECRETS)
        self.fill_in_secrets()
        return exported

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


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return `MODEL.COLUMN of KEY` for each value that differs, and the keys of rows that only one side has."""
    found = []
    for model in before:
        old, new = ({row.get("id", row.get("ident")): row for row in side[model]} for side in (before, after))
        found += [f"{model} {key}" for key in old.keys() ^ new.keys()]
        for key in old.keys() & new.keys():
            found += [f"{model}.{column} of {key}" for column in old[key] if old[key][column] != new[key][column]]
    return sorted(found)
