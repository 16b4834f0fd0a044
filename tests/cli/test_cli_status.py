"""`beatsync status`: shows each source, drifted rows, and rows that are left unchanged."""

from __future__ import annotations

import pytest

from beatsync.store import Store
from tests.cli.commanding import InProcess
from tests.conftest import task_maker

SPEC = """\
schedules:
  nightly: {task: shop.bill, interval: 1h, queue: billing, kwargs: {token: hunter2}}
  tick: {task: shop.tick, interval: 30s, enabled: true}
  pausable: {task: shop.pause, interval: 2h}
"""


@pytest.fixture
def synced(here: InProcess) -> InProcess:
    here.spec(SPEC)
    assert here("sync").code == 0
    return here


def test_a_database_without_a_source(here: InProcess) -> None:
    assert here("status").out == "No source was synced into this database yet.\n"
    assert here("status", "--format", "json").matching("status") == {
        "format_version": 1,
        "sources": [],
        "unowned": None,
    }


def test_a_source_shows_its_revision_the_time_of_its_sync_and_the_number_of_rows(synced: InProcess) -> None:
    result = synced("status")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == "default: applied"
    assert lines[1].startswith("  last success  20")
    assert lines[2].startswith("  revision      content ")
    assert lines[-2:] == ["  time zone     UTC", "  owns          3 schedules"]
    [source] = synced("status", "--format", "json").matching("status")["sources"]
    assert (source["name"], source["outcome"], source["schedules"], source["drifted"]) == ("default", "applied", 3, [])
    assert (source["revision"]["digest"].startswith(lines[2].split()[-1]), source["timezone"]) == (True, "UTC")


def test_status_writes_nothing(synced: InProcess) -> None:
    before = synced.tables()
    synced("status")
    assert synced.tables() == before


def test_drift_is_shown_by_field_and_a_deleted_row_by_name(synced: InProcess) -> None:
    from django_celery_beat.models import PeriodicTask

    PeriodicTask.objects.filter(name="nightly").update(queue="slow", kwargs='{"token": "stolen"}')
    PeriodicTask.objects.filter(name="tick").delete()
    result = synced("status")
    assert "  drifted: nightly\n" in result.out
    assert '      queue         "slow" (applied: "billing")\n' in result.out
    assert '      kwargs.token  "*** (before)" (applied: "*** (after)")' in result.out
    assert "  deleted outside BeatSync: tick\n" in result.out
    [source] = synced("status", "--format", "json").matching("status")["sources"]
    assert source["missing"] == ["tick"]
    assert {"field": "queue", "observed": "slow", "applied": "billing"} in source["drifted"][0]["fields"]
    assert "hunter2" not in str(source) + result.out
    assert "stolen" not in str(source) + result.out


def test_a_paused_row_is_not_drift_unless_enabled_is_enforced(synced: InProcess) -> None:
    from django_celery_beat.models import PeriodicTask

    PeriodicTask.objects.update(enabled=False)
    [source] = synced("status", "--format", "json").matching("status")["sources"]
    assert {(item["name"], item["condition"]) for item in source["conditions"]} == {
        ("nightly", "paused by hand"),
        ("pausable", "paused by hand"),
    }
    assert [item["name"] for item in source["drifted"]] == ["tick"]
    assert "  paused by hand: nightly, pausable\n" in synced("status").out


def test_a_blocked_sync_is_shown_with_its_reason_and_the_last_success(synced: InProcess) -> None:
    task_maker(synced.alias)("backup")
    synced.spec(SPEC + "  backup: {task: t, interval: 1h}\n")
    assert synced("sync").code == 4
    [source] = synced("status", "--format", "json").matching("status")["sources"]
    assert source["outcome"] == "blocked"
    assert "'backup'" in source["message"]
    assert source["synced_at"] is not None
    assert synced("status").out.startswith("default: blocked\n  a row named 'backup' exists ")


def test_a_single_source_can_be_selected(synced: InProcess) -> None:
    synced.spec("schedules:\n  other: {task: t, interval: 1h}\n", "other/a.yaml")
    assert synced("sync", "other", "--source", "second").code == 0
    both = synced("status", "--format", "json").matching("status")["sources"]
    assert [source["name"] for source in both] == ["default", "second"]
    item = synced("status", "--source", "second", "--format", "json").matching("status")["sources"]
    assert [source["name"] for source in item] == ["second"]
    unknown = synced("status", "--source", "third")
    assert (unknown.code, unknown.out) == (1, "")
    assert unknown.err == "error: there is no source 'third' in this database; it has: default, second\n"


def test_the_rows_without_a_source_are_listed_with_who_added_them(
    here: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = task_maker(here.alias)
    made = {name: make(name) for name in ("by hand", "celery.backend_cleanup", "from settings")}
    here.spec("schedules: {tick: {task: t, interval: 30s}}")
    assert here("sync").code == 0
    added = {made["by hand"].pk: "added in the Django admin by ann, 2026-06-01 12:00 UTC"}
    monkeypatch.setattr(Store, "authors", lambda _, ids, additions=False: added if additions and len(ids) == 3 else {})
    monkeypatch.setattr(Store, "beat_schedule_names", lambda _: frozenset({"from settings", "tick"}))
    assert "without a source" not in here("status").out
    assert here("status", "--unowned").out.endswith(
        "\n\n3 rows without a source\n"
        "      by hand                 other.task  (added in the Django admin by ann, 2026-06-01 12:00 UTC)\n"
        "      celery.backend_cleanup  other.task  (beat writes it at every start)\n"
        "      from settings           other.task  (beat writes it at every start)\n"
    )
    document = here("status", "--unowned", "--format", "json").json
    assert [(row["name"], row["recreated"]) for row in document["unowned"]] == [
        ("by hand", False),
        ("celery.backend_cleanup", True),
        ("from settings", True),
    ]
