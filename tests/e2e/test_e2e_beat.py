"""The main job from a user's shell: files, `beatsync sync`, a real celery beat and a real worker over Redis."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.processes import run, running, wait_until

PROJECT = Path(__file__).parent.parent / "data" / "project"


class Shop:
    """A Django project with a beat and a worker that run, and a directory of specs beside it."""

    def __init__(self, path: Path, broker: str) -> None:
        self.path = path
        self.specs = path / "schedules.d"
        self.notes = path / "notes.txt"
        self.env = {
            "PYTHONPATH": str(path),
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

    def ran(self, text: str) -> int:
        lines = self.notes.read_text(encoding="utf-8").splitlines() if self.notes.exists() else []
        return sum(line.endswith(f" {text}") for line in lines)

    def logs(self) -> str:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace") for log in self.path.glob("*.log"))


@pytest.fixture
def shop(tmp_path: Path, redis_url: str) -> Iterator[Shop]:
    path = tmp_path / "shop"
    shutil.copytree(PROJECT, path)
    shop = Shop(path, redis_url)
    migrated = run("manage.py", "migrate", "--verbosity=0", cwd=path, env=shop.env)
    assert migrated.returncode == 0, migrated.stderr
    celery = ["-m", "celery", "-A", "proj"]
    with ExitStack() as stack:
        for name, arguments in {
            "beat": ["beat", "-S", "django", "-l", "INFO", "--pidfile="],
            "worker": ["worker", "-P", "solo", "-l", "INFO", "--without-mingle", "--without-gossip"],
        }.items():
            stack.enter_context(running([*celery, *arguments], path / f"{name}.log", cwd=path, env=shop.env))
        wait_until(lambda: "beat: Starting" in shop.logs() and " ready." in shop.logs(), 30, shop.logs)
        yield shop


@pytest.mark.timeout(180)
def test_a_spec_runs_is_edited_and_is_removed_without_a_restart(shop: Shop) -> None:
    shop.spec('schedules:\n  tick: {task: proj.note, interval: 1s, args: ["first"]}\n')
    assert "1 created" in shop.sync()
    wait_until(lambda: shop.ran("first") >= 2, 10, shop.logs)

    shop.spec('schedules:\n  tick: {task: proj.note, interval: 1s, args: ["second"]}\n')
    assert "1 updated" in shop.sync()
    wait_until(lambda: shop.ran("second") >= 2, 15, shop.logs)
    before = shop.ran("first")

    shop.spec(
        "schedules:\n"
        '  other: {task: proj.note, interval: 1s, args: ["third"]}\n'
        '  unused: {task: proj.note, crontab: "0 0 1 1 *"}\n'
    )
    assert "1 deleted" in shop.sync()
    wait_until(lambda: shop.ran("third") >= 1, 15, shop.logs)
    # `third` runs, so beat has read the new schedules: from here on `second` may not run.
    after = shop.ran("second")
    runs = shop.ran("third")
    wait_until(lambda: shop.ran("third") >= runs + 4, 15, shop.logs)
    assert shop.ran("second") == after
    assert shop.ran("first") == before
