"""`beatsync status`: each source, what drifted, what is left as it is."""

from __future__ import annotations

import pytest

from tests.cli.commanding import Here
from tests.conftest import task_maker

SPEC = """\
schedules:
  nightly: {task: shop.bill, interval: 1h, queue: billing, kwargs: {token: hunter2}}
  tick: {task: shop.tick, interval: 30s, enabled: true}
  pausable: {task: shop.pause, interval: 2h}
"""


@pytest.fixture
def synced(here: Here) -> Here:
    here.spec(SPEC)
    assert here("sync").code == 0
    return here


def test_a_database_that_nothing_was_synced_into_says_so(here: Here) -> None:
    assert here("status").out == "Nothing was synced into this database yet.\n"
    assert here("status", "--format", "json").matching("status") == {"format_version": 1, "sources": []}


def test_a_source_tells_its_revision_its_moment_and_what_it_owns(synced: Here) -> None:
    answer = synced("status")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[0] == "default: applied"
    assert lines[1].startswith("  last success  20")
    assert lines[2].startswith("  revision      content ")
    assert lines[-1] == "  owns          3 schedules"
    [source] = synced("status", "--format", "json").matching("status")["sources"]
    assert (source["name"], source["outcome"], source["schedules"], source["drifted"]) == ("default", "applied", 3, [])
    assert source["revision"]["digest"].startswith(lines[2].split()[-1])


def test_status_reads_and_writes_nothing(synced: Here) -> None:
    before = synced.tables()
    synced("status")
    assert synced.tables() == before


def test_drift_is_told_field_by_field_and_a_deleted_row_by_name(synced: Here) -> None:
    from django_celery_beat.models import PeriodicTask

    PeriodicTask.objects.filter(name="nightly").update(queue="slow", kwargs='{"token": "stolen"}')
    PeriodicTask.objects.filter(name="tick").delete()
    answer = synced("status")
    assert "  drifted: nightly\n" in answer.out
    assert '      queue         "slow" (applied: "billing")\n' in answer.out
    assert '      kwargs.token  "*** (before)" (applied: "*** (after)")' in answer.out
    assert "  deleted by somebody: tick\n" in answer.out
    [source] = synced("status", "--format", "json").matching("status")["sources"]
    assert source["missing"] == ["tick"]
    assert {"field": "queue", "observed": "slow", "applied": "billing"} in source["drifted"][0]["fields"]
    assert "hunter2" not in str(source) + answer.out
    assert "stolen" not in str(source) + answer.out


def test_what_is_paused_by_hand_is_no_drift_and_what_is_enforced_is(synced: Here) -> None:
    from django_celery_beat.models import PeriodicTask

    PeriodicTask.objects.update(enabled=False)
    [source] = synced("status", "--format", "json").matching("status")["sources"]
    assert {(one["name"], one["condition"]) for one in source["conditions"]} == {
        ("nightly", "paused by hand"),
        ("pausable", "paused by hand"),
    }
    assert [one["name"] for one in source["drifted"]] == ["tick"]
    assert "  paused by hand: nightly, pausable\n" in synced("status").out


def test_a_blocked_sync_is_remembered_with_its_reason_and_the_last_success(synced: Here) -> None:
    task_maker(synced.alias)("backup")
    synced.spec(SPEC + "  backup: {task: t, interval: 1h}\n")
    assert synced("sync").code == 4
    [source] = synced("status", "--format", "json").matching("status")["sources"]
    assert source["outcome"] == "blocked"
    assert "'backup'" in source["message"]
    assert source["synced_at"] is not None
    assert synced("status").out.startswith("default: blocked\n  a row named 'backup' exists ")


def test_one_of_several_sources_can_be_asked_for(synced: Here) -> None:
    synced.spec("schedules:\n  other: {task: t, interval: 1h}\n", "other/a.yaml")
    assert synced("sync", "other", "--source", "second").code == 0
    both = synced("status", "--format", "json").matching("status")["sources"]
    assert [source["name"] for source in both] == ["default", "second"]
    one = synced("status", "--source", "second", "--format", "json").matching("status")["sources"]
    assert [source["name"] for source in one] == ["second"]
    unknown = synced("status", "--source", "third")
    assert (unknown.code, unknown.out) == (1, "")
    assert unknown.err == "error: there is no source 'third' in this database; it has: default, second\n"
