"""A user edits a row in the Django admin; BeatSync reports the drift with the user's name and repairs it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.processes import run

PROJECT = Path(__file__).parent.parent / "data" / "project"
EDIT = Path(__file__).with_name("edit_in_admin.py")
SPEC = "schedules:\n  report: {task: proj.note, interval: 1h, queue: fast}\n"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    shutil.copytree(PROJECT, tmp_path / "project")
    (tmp_path / "project" / "schedules.d").mkdir()
    (tmp_path / "project" / "schedules.d" / "a.yaml").write_text(SPEC, encoding="utf-8")
    return {
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "project"), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "DJANGO_SETTINGS_MODULE": "proj.settings",
        "PROJECT_DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
        "PROJECT_ADMIN": "1",
    }


def test_drift_names_the_user_of_the_admin(tmp_path: Path, env: dict[str, str]) -> None:
    project = tmp_path / "project"

    def manage(*words: str) -> str:
        done = run("manage.py", *words, cwd=project, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    manage("migrate", "--verbosity=0")
    manage("beatsync", "sync")
    edited = run(str(EDIT), "report", "slow", cwd=project, env=env)
    assert edited.returncode == 0, edited.stderr
    status = json.loads(manage("beatsync", "status", "--format", "json"))["sources"][0]
    [drifted] = status["drifted"]
    assert drifted["author"].startswith("changed in the Django admin by alice")
    assert drifted["fields"] == [{"field": "queue", "observed": "slow", "applied": "fast"}]

    assert "edited" in manage("beatsync", "history", "report", "--limit", "1")
    plan = manage("beatsync", "plan")
    assert '"slow" → "fast"  (drift)' in plan
    assert "last changed in the Django admin by alice" in plan
    assert "1 updated" in manage("beatsync", "sync")
    assert "Nothing to do: 1 unchanged." in manage("beatsync", "plan")
