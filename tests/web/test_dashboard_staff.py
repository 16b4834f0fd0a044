"""The dashboard in the Django admin: only staff who may view tasks read it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from beatsync.web.dashboard.routes import ROUTES
from tests.processes import run

PROJECT = Path(__file__).parent.parent / "data" / "project"


def test_staff_who_may_view_tasks_read_the_pages(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project)
    (project / "schedules.d").mkdir()
    (project / "schedules.d" / "a.yaml").write_text("schedules:\n  report: {task: proj.note, interval: 1h}\n")
    env = {
        "PYTHONPATH": os.pathsep.join([str(project), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "DJANGO_SETTINGS_MODULE": "proj.settings",
        "PROJECT_DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
        "PROJECT_ADMIN": "1",
    }
    for words in (["manage.py", "migrate", "--verbosity=0"], ["manage.py", "beatsync", "sync"]):
        done = run(*words, cwd=project, env=env)
        assert done.returncode == 0, done.stderr
    done = run(str(Path(__file__).with_name("staff_pages.py")), cwd=project, env=env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "start": "/admin/beatsync/source/dashboard/",
        "schedule": "/admin/beatsync/source/dashboard/schedule/",
        "nobody": 302,
        "no staff": 302,
        "no permission": 403,
        "post": 405,
        "head": 200,
        "superuser": 200,
        "pages": [200] * len(ROUTES),
        "policy": "default-src 'none'",
        "links": True,
        "home": True,
    }
