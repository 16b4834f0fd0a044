"""`pause` and `unpause`: exit codes, what they print, and where a pause is shown."""

from __future__ import annotations

import pytest

from tests.cli.commanding import InProcess

SPEC = "schedules:\n  nightly: {task: t, interval: 1h, enabled: true}\n  weekly: {task: t, interval: 2d}\n"


@pytest.fixture
def synced(here: InProcess) -> InProcess:
    here.spec(SPEC)
    assert here("sync").code == 0
    return here


def test_a_pause_is_shown_everywhere_with_its_reason(synced: InProcess) -> None:
    paused = synced("pause", "night*", "--reason", "a move, token=hunter2", "--for", "2d", "--actor", "ann")
    assert paused.code == 0
    assert paused.out.startswith("nightly: paused until ")
    assert not synced.rows()["nightly"].enabled
    for words in (
        ("status",),
        ("plan",),
        ("plan", "--format", "markdown"),
        ("history", "nightly"),
        ("show", "nightly"),
    ):
        shown = synced(*words)
        assert "a move" in shown.out, words
        assert "ann" in shown.out, words
        assert "hunter2" not in shown.out, words
    (condition,) = synced("status", "--format", "json").matching("status")["sources"][0]["conditions"]
    assert (condition["name"], condition["condition"]) == ("nightly", "paused")
    assert condition["note"].startswith("by ann since ")
    assert synced("plan", "--format", "json").matching("plan")["conditions"] == [condition]
    assert synced("plan", "--detailed-exitcode").code == 0


def test_it_ends(synced: InProcess) -> None:
    assert "paused by hand, enable the row in the Django admin" in synced("unpause", "nightly").out
    assert synced("pause", "*", "--reason", "why").code == 0
    ended = synced("unpause", "*")
    assert (ended.code, ended.out) == (0, "nightly: no longer paused\nweekly: no longer paused\n")
    assert synced.rows()["nightly"].enabled


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("pause", "nightly"), 64, "--reason is required"),
        (("pause", "--reason", "x"), 64, "Missing argument"),
        (("pause", "nightly", "--reason", "x", "--for", "soon"), 64, "soon"),
        (("pause", "nightly", "--reason", "x", "--for", "0"), 64, "'0' is zero"),
        (("pause", "nightly", "--reason", "x", "--for", "9" * 20), 64, "seconds are too many"),
        (("pause", "nightly", "--reason", "x", "--for", "²"), 64, "'²' is not a duration"),
        (("pause", "nightly", "--reason", "  "), 64, "the value is empty"),
        (("pause", "nightly", "--reason", "x", "--source", "none"), 1, "there is no source 'none'"),
        (("pause", "nigthly", "--reason", "x"), 1, "did you mean 'nightly'?"),
        (("unpause", "x*"), 1, "no source owns a schedule 'x*'; owned are nightly, weekly"),
    ],
)
def test_exit_codes(synced: InProcess, words: tuple[str, ...], code: int, message: str) -> None:
    before = synced.tables()
    result = synced(*words)
    assert (result.code, message in result.err) == (code, True), result.err
    assert synced.tables() == before
