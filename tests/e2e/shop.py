"""A Django project with a running beat and worker, and a directory of spec files."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path
from typing import Any

from tests.processes import run

PROJECT = Path(__file__).parent.parent / "data" / "project"


class Shop:
    """A Django project with a running beat and worker, and a directory of spec files."""

    def __init__(self, path: Path, broker: str) -> None:
        self.path = path
        self.specs = path / "schedules.d"
        self.notes = path / "notes.txt"
        self.env = {
            "PYTHONPATH": os.pathsep.join([str(path), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "DJANGO_SETTINGS_MODULE": "proj.settings",
            "PROJECT_DATABASE_URL": f"sqlite:///{path / 'db.sqlite3'}",
            "PROJECT_BROKER_URL": broker,
            "PROJECT_PREFIX": f"beatsync-test-{uuid.uuid4().hex}-",
            "PROJECT_NOTES": str(self.notes),
        }

    def spec(self, text: str) -> None:
        self.specs.mkdir(exist_ok=True)
        (self.specs / "tasks.yaml").write_text(text, encoding="utf-8")

    def sync(self, *flags: str) -> str:
        result = run("-m", "beatsync", "sync", *flags, cwd=self.path, env=self.env)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def status(self) -> dict[str, Any]:
        """Return the source from `beatsync status`."""
        result = run("-m", "beatsync", "status", "--format", "json", cwd=self.path, env=self.env)
        assert result.returncode == 0, result.stdout + result.stderr
        source: dict[str, Any] = json.loads(result.stdout)["sources"][0]
        return source

    def ran(self, text: str) -> int:
        lines = self.notes.read_text(encoding="utf-8").splitlines() if self.notes.exists() else []
        return sum(line.endswith(f" {text}") for line in lines)

    def logs(self) -> str:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace") for log in self.path.glob("*.log"))
