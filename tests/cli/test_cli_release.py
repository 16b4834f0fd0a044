"""`beatsync release`: rows stay as they are and are nobody's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.commanding import Here, lock_held
from tests.conftest import Server

SPEC = """\
schedules:
  nightly: {task: shop.bill, interval: 1h, kwargs: {token: hunter2}}
  tick: {task: shop.tick, interval: 30s}
"""


@pytest.fixture
def synced(here: Here) -> Here:
    here.spec(SPEC)
    assert here("sync").code == 0
    return here


def owned(here: Here, source: str = "default") -> int:
    [found] = here("status", "--source", source, "--format", "json").json["sources"]
    return int(found["schedules"])


def rows(here: Here) -> dict[str, object]:
    return {name: {**vars(row), "_state": None} for name, row in here.rows().items()}


def test_rows_stay_to_the_last_column_and_are_no_longer_owned(synced: Here) -> None:
    before = rows(synced)
    answer = synced("release", "nightly", "tick")
    assert answer.code == 0
    assert "  - nightly (forget, released)\n" in answer.out
    assert answer.out.endswith("\n2 forgotten, 0 unchanged.\n")
    assert answer.err.startswith("hint: the rows stay unchanged. ")
    assert rows(synced) == before
    assert owned(synced) == 0


def test_beat_is_not_told_since_nothing_changed_for_it(synced: Here) -> None:
    from django_celery_beat.models import PeriodicTasks

    before = PeriodicTasks.last_change()
    assert synced("release", "tick").code == 0
    assert PeriodicTasks.last_change() == before


def test_out_of_the_files_a_released_row_is_never_touched_again(synced: Here) -> None:
    synced("release", "tick")
    synced.spec(SPEC.partition("  tick:")[0])
    assert synced("sync").out == "Nothing to do: 1 unchanged.\n"
    synced.spec("schedules: {}")
    assert synced("sync", "--allow-empty").out.endswith("\n1 deleted, 0 unchanged.\n")
    assert list(rows(synced)) == ["tick"]


def test_still_in_the_files_it_stops_the_next_sync_until_it_is_adopted(synced: Here) -> None:
    synced("release", "tick")
    stopped = synced("sync")
    assert stopped.code == 4
    assert "a row named 'tick' exists and BeatSync does not own it" in stopped.out
    assert synced("sync", "--adopt").code == 0
    assert owned(synced) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tick", "tock"], "the source 'default' does not own 'tock'"),
        (
            ["nightly", "--source", "typo"],
            "the source 'typo' does not own 'nightly' (it belongs to the source 'default')",
        ),
        (["tock", "tuck"], "the source 'default' does not own 'tock', 'tuck'"),
        ([""], "the source 'default' does not own ''"),
    ],
    ids=str,
)
def test_a_name_that_is_not_owned_stops_all_of_it_and_leaves_no_trace(
    synced: Here, words: list[str], message: str
) -> None:
    before = synced.tables()
    answer = synced("release", *words)
    assert (answer.code, answer.out, answer.err) == (1, "", f"error: {message}\n")
    assert synced.tables() == before


def test_only_the_source_that_is_named_lets_go(synced: Here) -> None:
    synced.spec("schedules:\n  other: {task: t, interval: 1h}\n", "other/a.yaml")
    synced("sync", "other", "--source", "second")
    assert synced("release", "other").code == 1
    assert synced("release", "other", "--source", "second").code == 0
    assert (owned(synced), owned(synced, "second")) == (2, 0)


def test_a_name_may_begin_with_a_dash_and_be_said_twice(here: Here) -> None:
    here.spec("schedules:\n  --odd: {task: t, interval: 1h}\n")
    assert here("sync").code == 0
    assert here("release", "--odd").code == 64
    assert here("release", "--", "--odd", "--odd").out.endswith("\n1 forgotten, 0 unchanged.\n")


def test_no_secret_is_shown(synced: Here) -> None:
    answer = synced("release", "nightly")
    assert "hunter2" not in answer.out + answer.err


def test_it_waits_its_turn(here: Here, server: Callable[[str], Server]) -> None:
    """Seen by the error where the server ends the wait, since the command itself has no patience to set."""
    url = server("postgresql").create()
    here.spec(SPEC)
    assert here("migrate", "--with-beat", "--database-url", url).code == 0
    assert here("sync", "--database-url", url).code == 0
    with lock_held(url, "default", "alice"):
        answer = here("release", "tick", "--database-url", f"{url}?options=-c%20statement_timeout%3D1s")
        assert (answer.code, answer.out) == (1, "")
        assert "statement timeout" in answer.err
    assert "\n  owns          2 schedules\n" in here("status", "--database-url", url).out
    assert here("release", "tick", "--database-url", url).code == 0
