"""`beatsync release`: rows stay unchanged and are no longer owned."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from beatsync.store import Store
from tests.cli.commanding import InProcess, lock_held
from tests.conftest import Server

SPEC = """\
schedules:
  nightly: {task: shop.bill, interval: 1h, kwargs: {token: hunter2}}
  tick: {task: shop.tick, interval: 30s}
"""


@pytest.fixture
def synced(here: InProcess) -> InProcess:
    here.spec(SPEC)
    assert here("sync").code == 0
    return here


def owned(here: InProcess, source: str = "default") -> int:
    [state] = here("status", "--source", source, "--format", "json").json["sources"]
    return int(state["schedules"])


def rows(here: InProcess) -> dict[str, object]:
    return {name: {**vars(row), "_state": None} for name, row in here.rows().items()}


def test_every_column_stays_unchanged_and_the_rows_are_no_longer_owned(synced: InProcess) -> None:
    before = rows(synced)
    result = synced("release", "nightly", "tick")
    assert result.code == 0
    assert result.out == "nightly: released; the row stays\ntick: released; the row stays\n2 released\n"
    assert result.err == "hint: remove the schedules from the files; otherwise the next sync is blocked until --adopt\n"
    assert rows(synced) == before
    assert owned(synced) == 0


def test_everything_that_a_source_owns_is_released_at_once(synced: InProcess) -> None:
    before = rows(synced)
    assert synced("release").code == 64
    assert synced("release", "tick", "--all").code == 64
    assert "there is no source 'typo'" in synced("release", "--all", "--source", "typo").err
    assert synced("release", "--all").out.endswith("\n2 released\n")
    again = synced("release", "--all")
    assert (again.out, again.err) == ("0 released\n", "")
    assert rows(synced) == before
    assert owned(synced) == 0


def test_a_source_is_renamed_and_the_daemon_that_leads_it_is_named(synced: InProcess) -> None:
    store = Store(synced.alias)
    assert synced("rename-source", "typo", "shop").code == 1
    assert synced("rename-source", "default", " ").code == 64
    store.acquire_lease("default", "pod-1", "token", 30)
    result = synced("rename-source", "default", "shop")
    assert (result.code, result.out) == (0, "default is renamed to shop\n")
    assert "restart the daemon pod-1 with --source shop" in result.err
    assert "there is no source 'default'" in synced("rename-source", "default", "shop").err
    assert synced("sync", "--source", "shop").out == "Nothing to do: 2 unchanged.\n"


def test_beat_is_not_notified(synced: InProcess) -> None:
    from django_celery_beat.models import PeriodicTasks

    before = PeriodicTasks.last_change()
    assert synced("release", "tick").code == 0
    assert PeriodicTasks.last_change() == before


def test_a_released_row_that_left_the_files_is_never_changed(synced: InProcess) -> None:
    synced("release", "tick")
    synced.spec(SPEC.partition("  tick:")[0])
    assert synced("sync").out == "Nothing to do: 1 unchanged.\n"
    synced.spec("schedules: {}")
    assert synced("sync", "--allow-empty").out.endswith("\n1 deleted, 0 unchanged.\n")
    assert list(rows(synced)) == ["tick"]


def test_a_released_row_in_the_files_blocks_the_next_sync_until_it_is_adopted(synced: InProcess) -> None:
    synced("release", "tick")
    blocked = synced("sync")
    assert blocked.code == 4
    assert "a row named 'tick' exists and BeatSync does not own it" in blocked.out
    assert synced("sync", "--adopt").code == 0
    assert owned(synced) == 2


def test_an_adoption_masks_what_the_file_marks_as_sensitive(here: InProcess) -> None:
    text = "schedules:\n  a: {task: t, interval: 1h, kwargs: {iban: NEW1}, sync: {sensitive: [kwargs.iban], on_remove: keep}}\n"
    here.spec(text.replace("NEW1", "OLD1"))
    assert here("sync").code == 0
    assert here("release", "a").code == 0
    here.spec(text)
    for flags in ((), ("--format", "json"), ("--format", "markdown")):
        adopted = here("plan", "--adopt", *flags)
        assert "iban" in adopted.out
        assert "OLD1" not in adopted.out
        assert "NEW1" not in adopted.out


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
def test_a_name_that_is_not_owned_is_an_error_and_releases_nothing(
    synced: InProcess, words: list[str], message: str
) -> None:
    before = synced.tables()
    result = synced("release", *words)
    assert (result.code, result.out, result.err) == (1, "", f"error: {message}\n")
    assert synced.tables() == before


def test_only_the_named_source_releases_rows(synced: InProcess) -> None:
    synced.spec("schedules:\n  other: {task: t, interval: 1h}\n", "other/a.yaml")
    synced("sync", "other", "--source", "second")
    assert synced("release", "other").code == 1
    assert synced("release", "other", "--source", "second").code == 0
    assert (owned(synced), owned(synced, "second")) == (2, 0)


def test_a_name_may_begin_with_a_dash_and_may_be_repeated(here: InProcess) -> None:
    here.spec("schedules:\n  --odd: {task: t, interval: 1h}\n")
    assert here("sync").code == 0
    assert here("release", "--odd").code == 64
    assert here("release", "--", "--odd", "--odd").out.endswith("\n1 released\n")


def test_no_secret_is_shown(synced: InProcess) -> None:
    result = synced("release", "nightly")
    assert "hunter2" not in result.out + result.err


def test_it_waits_for_the_lock(here: InProcess, server: Callable[[str], Server]) -> None:
    """The server ends the wait by a timeout, because the command has no flag for one."""
    url = server("postgresql").create()
    here.spec(SPEC)
    assert here("migrate", "--with-beat", "--database-url", url).code == 0
    assert here("sync", "--database-url", url).code == 0
    with lock_held(url, "default", "alice"):
        result = here("release", "tick", "--database-url", f"{url}?options=-c%20statement_timeout%3D1s")
        assert (result.code, result.out) == (1, "")
        assert "statement timeout" in result.err
    assert "\n  owns          2 schedules\n" in here("status", "--database-url", url).out
    assert here("release", "tick", "--database-url", url).code == 0


def test_a_schedule_with_several_rows_is_released_as_one(here: InProcess) -> None:
    here.spec(
        "windows: {office: {from: '08:00', to: '18:00'}}\n"
        "schedules: {peaks: {task: shop.bill, every: {office: 1m, otherwise: 15m}}}\n"
    )
    assert "      + peaks#2  */15 0-7,18-23 * * *" in here("plan", "--rows").out
    assert "  + peaks (2 rows)\n" in here("sync").out
    assert "  2 rows of peaks:\n" in here("status", "--rows").out
    assert owned(here) == 1
    assert here("release", "peaks").out == "peaks: released; the rows stay\n1 released\n"
    assert {*rows(here)} == {"peaks", "peaks#2"}
