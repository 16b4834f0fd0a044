"""What an operator asks at 3 am. One command and one page of the dashboard answer each question, without the repository and without SQL.

`docs/dashboard.md` has the same questions.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from tests.processes import until
from tests.web.browsing import text_of
from tests.web.conftest import form_data, page, task

if TYPE_CHECKING:
    from django.test import Client

SPEC = """\
schedules:
  nightly: {task: shop.bill, crontab: "30 2 * * *", queue: slow}
  hourly: {task: shop.tidy, interval: 1h}
  exports: {task: shop.export, crontab: "0 5 * * *"}
"""


@dataclass(frozen=True)
class Night:
    """What has happened, and two ways to ask about it."""

    client: Client
    command: Callable[..., str]
    commit: str
    """The second one, which changed a queue."""
    ran_at: datetime

    def dashboard(self, name: str, /, **query: str) -> str:
        """Return the text of a page as soon as all rows were read."""
        url = f"/admin/beatsync/source/dashboard/{name}/?{urlencode(query)}"
        until(lambda: not self.client.get(url).has_header("Refresh"))
        response = self.client.get(url)
        assert response.status_code == 200
        return text_of(response.content.decode())


@pytest.fixture
def night(client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Night:
    def command(*words: str) -> str:
        capsys.readouterr()
        call_command("beatsync", *words)
        return " ".join(capsys.readouterr().out.split())

    def commit(spec: str, author: str, committer: str) -> str:
        def git(*words: str) -> str:
            identity = ("-c", f"user.name={committer}", "-c", "user.email=author@example.org")
            done = subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True, text=True)
            return done.stdout

        file = tmp_path / "schedules.d" / "teams" / "billing.yaml"
        if not file.exists():
            file.parent.mkdir(parents=True)
            git("init", "--quiet")
            git("remote", "add", "origin", "git@github.com:acme/ops.git")
        file.write_text(spec, encoding="utf-8")
        git("add", "schedules.d")
        git("commit", "--quiet", "-m", "a change", f"--author={author} <author@example.org>")
        return git("rev-parse", "HEAD").strip()

    specs = str(tmp_path / "schedules.d")
    commit(SPEC, "Ann", "Ann")
    command("sync", specs, "--actor", "ann@laptop")
    second = commit(SPEC.replace("slow", "fast"), "Bea", "Cid")
    command("sync", specs, "--actor", "ci-bot")
    edit = page("change", task("nightly")) + "?beatsync_edit=1"
    assert client.post(edit, form_data(client.get(edit), queue="bulk", beatsync_reason="no workers")).status_code == 302
    command("pause", "exports", "--reason", "ledger migration", "--for", "2d", "--actor", "dana")
    ran_at = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(minutes=30)
    PeriodicTask.objects.filter(name="hourly").update(last_run_at=ran_at, total_run_count=7)  # as beat does
    every = IntervalSchedule.objects.create(every=9, period="days")
    PeriodicTask.objects.create(name="by-hand", task="shop.other", interval=every)
    return Night(client, command, second, ran_at)


def test_which_sync_changed_this_task_from_which_commit_and_who_merged_it(night: Night) -> None:
    for answer in (night.command("history", "nightly"), night.dashboard("history", name="nightly")):
        entries = re.split(r"#\d+ (?=20)", answer)
        (entry,) = [each for each in entries if night.commit in each]
        for words in ("applied", "by ci-bot", "commit by Bea, committed by Cid", '"slow"', '"fast"'):
            assert words in entry
        assert any("by ann@laptop" in each and "commit by Ann" in each for each in entries)


def test_what_will_run_in_the_next_hour(night: Night) -> None:
    due = f"{night.ran_at + timedelta(hours=1):%Y-%m-%d %H:%M:%S} UTC"
    for answer in (night.command("next", "--live", "--for", "1h"), night.dashboard("timeline")):
        _, _, after = answer.partition(f"{due} in ")
        assert after.split("hourly")[0].split()[1] in {"min", "min,"}
        assert "exports" not in answer  # it is paused


def test_is_this_row_managed_and_where_is_its_file(night: Night) -> None:
    for answer in (night.command("show", "nightly"), night.dashboard("schedule", name="nightly")):
        assert "default, synced" in answer
        assert f"teams/billing.yaml:2:3 at {night.commit}" in answer
        assert "github.com/acme/ops" in answer
    for answer in (night.command("show", "by-hand"), night.dashboard("schedule", name="by-hand")):
        assert "none: no source owns this row" in answer


def test_was_it_changed_by_hand_and_by_whom(night: Night) -> None:
    for answer in (night.command("show", "nightly"), night.dashboard("schedule", name="nightly")):
        assert "drifted" in answer
        assert '"bulk"' in answer
        assert "changed in the Django admin by alice" in answer


def test_a_form_that_was_saved_unchanged_names_no_author(night: Night) -> None:
    from django.contrib.auth.models import User

    night.client.force_login(User.objects.create_superuser("eve"))
    url = page("change", task("nightly"))
    assert night.client.post(url, form_data(night.client.get(url))).status_code == 302
    assert "changed in the Django admin by alice" in night.command("show", "nightly")


def test_a_row_that_is_paused_and_changed_names_both_persons(night: Night) -> None:
    night.command("pause", "nightly", "--reason", "ledger migration", "--actor", "dana")
    for answer in (night.command("show", "nightly"), night.dashboard("schedule", name="nightly")):
        assert "by dana since" in answer
        assert "changed in the Django admin by alice" in answer


def test_is_it_paused_by_whom_why_and_until_when(night: Night) -> None:
    end = datetime.now(timezone.utc) + timedelta(days=2)
    for answer in (night.command("show", "exports"), night.dashboard("schedule", name="exports")):
        _, _, pause = answer.partition("by dana since ")
        assert f"until {end:%Y-%m-%d}" in pause
        assert "ledger migration" in pause


def test_which_row_ran_last_and_when_is_it_due_next(night: Night) -> None:
    # BeatSync itself writes such a time without a run, so that beat counts from it.
    PeriodicTask.objects.filter(name="exports").update(last_run_at=night.ran_at + timedelta(minutes=5))
    last, due = (f"{at:%Y-%m-%d %H:%M:%S} UTC" for at in (night.ran_at, night.ran_at + timedelta(hours=1)))
    for answer in (night.command("next", "--live"), night.dashboard("timeline")):
        assert f"Last recorded run: hourly at {last}, due next at {due}" in answer
    assert "none recorded yet" in night.command("show", "exports")
