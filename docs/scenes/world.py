"""A shop at a fixed time: three commits of spec files, their syncs from CI, and what people did to the rows since."""

from __future__ import annotations

import json
import os
import subprocess
from collections import defaultdict
from contextlib import redirect_stdout
from datetime import datetime, timedelta, timezone
from io import StringIO
from pathlib import Path
from typing import Any

SPECS = Path(__file__).parent / "schedules.d"
EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "shop"
NOW = datetime(2026, 6, 3, 11, 52, 20, tzinfo=timezone.utc)
"""When the pictures are taken: a Wednesday before the afternoon's runs."""
PASSWORD = "shown in no picture"
GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_PAGER": "cat"}
"""Variables for git without the settings of this machine."""
COMMITS = (
    (timedelta(days=9, hours=3), "ana", "Declare the schedules of the shop", {
        "office: 5m, otherwise: 30m": "office: 15m, otherwise: 30m",
        '"30 2 * * mon-fri"': '"0 2 * * mon-fri"',
        "interval: 10m": "interval: 5m",
    }),
    (timedelta(days=2, hours=5), "jonas", "Refresh prices more often in office hours", {
        '"30 2 * * mon-fri"': '"0 2 * * mon-fri"',
        "interval: 10m": "interval: 5m",
    }),
    (timedelta(hours=4), "ana", "Move the invoices to half past two", {}),
)  # fmt: skip
"""How long ago, by whom and why the files were committed and synced, and what they still said differently."""


OTHER_RUNS = {
    "report-7": [NOW.replace(hour=7, minute=0)],
    "report-12": [NOW.replace(day=1, hour=5, minute=30)],
    "try-new-export": [NOW.replace(hour=2, minute=15)],
}
"""When the rows that no file declares ran."""


def git(shop: Path, *arguments: str, author: str = "ana", at: datetime = NOW) -> None:
    """Run git in the shop's repository, as an author at a time."""
    name = author.capitalize()
    person = {"NAME": name, "EMAIL": f"{author}@acme.example", "DATE": at.isoformat()}
    names = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in person.items()}
    subprocess.run(["git", *arguments], cwd=shop, check=True, env={**os.environ, **names, **GIT})


def build(shop: Path, traveller: Any) -> None:
    """Fill the repository `shop` and the database of the example; `traveller` moves the clock."""
    from django.core.management import call_command

    shop.mkdir()
    git(shop, "init", "--quiet", "--initial-branch", "main")
    git(shop, "remote", "add", "origin", "https://github.com/acme/shop.git")
    traveller.move_to(NOW - timedelta(days=10))
    call_command("migrate", verbosity=0)
    people()
    others()
    for run, (ago, author, subject, older) in enumerate(COMMITS):
        traveller.move_to(NOW - ago)
        write_specs(shop, older)
        git(shop, "add", ".")
        git(shop, "commit", "--quiet", "--message", subject, author=author, at=NOW - ago)
        sync_from_ci(shop, author, 4711 + 12 * run)
    past_runs(shop)
    reason = ("--reason", "the ledger is being moved", "--for", "2d", "--actor", "jonas")
    traveller.move_to(NOW - timedelta(hours=1))
    call_command("beatsync", "pause", "sales-report", *reason)
    traveller.move_to(NOW)


def write_specs(shop: Path, older: dict[str, str]) -> None:
    """Write the spec files as they were before some changes, each of which is in one of the files."""
    folder = shop / "schedules.d"
    folder.mkdir(exist_ok=True)
    texts = {path.name: path.read_text(encoding="utf-8") for path in SPECS.glob("*.yaml")}
    for new, old in older.items():
        (name,) = (name for name, text in texts.items() if new in text)
        texts[name] = texts[name].replace(new, old)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def sync_from_ci(shop: Path, author: str, run: int) -> None:
    """Sync as a workflow of GitHub does for a commit."""
    from django.core.management import call_command

    run_of_ci = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTOR": author,
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_RUN_ID": str(run),
    }
    os.environ.update(run_of_ci)
    call_command("beatsync", "sync", str(shop / "schedules.d"), "--quiet")
    for name in run_of_ci:
        del os.environ[name]


def people() -> None:
    """Create the users of the admin."""
    from django.contrib.auth.models import User

    for name in ("ana", "jonas", "mia"):
        User.objects.create_superuser(name, password=PASSWORD)


def past_runs(shop: Path) -> None:
    """Store what beat would have stored: when each schedule ran last, and how often."""
    from django.core.management import call_command
    from django_celery_beat.models import PeriodicTask

    begin = NOW - timedelta(days=8)
    output = StringIO()
    with redirect_stdout(output):
        call_command(
            "beatsync", "next", str(shop / "schedules.d"), "--between", begin.isoformat(), NOW.isoformat(),
            "--format", "json",
        )  # fmt: skip
    times = defaultdict(list)
    for run in json.loads(output.getvalue())["runs"]:
        times[run["name"]].append(datetime.fromisoformat(run["at"].replace("Z", "+00:00")))
    for row in PeriodicTask.objects.filter(clocked=None):
        own = times[row.name.partition("#")[0]] or OTHER_RUNS.get(row.name)
        if own:
            PeriodicTask.objects.filter(pk=row.pk).update(last_run_at=own[-1], total_run_count=len(own))


def others() -> None:
    """Create rows that no file declares: of an application's set, and of a person in the admin."""
    from django.contrib.admin.models import ADDITION, LogEntry
    from django.contrib.auth.models import User
    from django.contrib.contenttypes.models import ContentType
    from django_celery_beat.models import CrontabSchedule, PeriodicTask

    from beatsync.dynamic import schedules

    reports = schedules("user-reports")
    reports.put("report-7", task="shop.tasks.report", args=[7], crontab="0 8 * * *", timezone="Europe/London")
    reports.put("report-12", task="shop.tasks.report", args=[12], crontab="30 7 * * mon", timezone="Europe/Berlin")
    crontab = CrontabSchedule.objects.create(minute="15", hour="4", timezone="Europe/Berlin")
    row = PeriodicTask.objects.create(name="try-new-export", task="shop.tasks.report", crontab=crontab, args="[0]")
    LogEntry.objects.create(
        user=User.objects.get(username="mia"),
        content_type=ContentType.objects.get_for_model(PeriodicTask),
        object_id=str(row.pk), object_repr=str(row), action_flag=ADDITION,
        change_message=json.dumps([{"added": {}}]),
    )  # fmt: skip
