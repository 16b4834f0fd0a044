from __future__ import annotations

from datetime import timedelta
from typing import Any

from beatsync.plan.model import Action
from beatsync.values import Policy
from tests.builders import NOW, declared, desired, guarded, observed, owned, owning, request, row


def offered(files: list[str], owns: list[str], **fields: Any) -> list[tuple[str, str | None]]:
    new = [declared(name, **fields) for name in files]
    plan = guarded(desired(*new), owning(*map(declared, owns)), request(max_deletes="100%"))
    return [(d.text, d.hint) for d in plan.diagnostics if d.code == "rename-possible"]


def test_a_rename_is_offered_where_one_goes_and_another_comes_with_equal_values() -> None:
    ((text, hint),) = offered(["new", "stays"], ["old", "stays"])
    assert text == "'new' has the values of 'old', which is deleted: is this a rename?"
    assert hint is not None
    assert "`sync: {renamed_from: old}`" in hint


def test_no_rename_is_offered_if_a_value_differs_or_it_is_not_clear_which() -> None:
    assert not offered(["new"], ["old"], queue="fast")
    assert not offered(["new", "newer"], ["old"])
    assert not offered(["new"], ["old", "older"])
    assert not offered(["new", "stays"], ["stays"])
    # A declared rename, and a row that was deleted by hand and comes back.
    renamed = declared("new", policy=Policy(renamed_from="old"))
    assert not guarded(desired(renamed), owning(declared("old")), request()).diagnostics
    back, gone = declared("back"), declared("gone")
    current = observed(row(gone, 2), inventory=(owned(back, 1), owned(gone, 2)))
    assert not guarded(desired(back), current, request()).diagnostics


def test_many_renames_are_counted() -> None:
    names = [f"{number:02}" for number in range(30)]
    before, after = (
        [declared(f"a{name}", task=name) for name in names],
        [declared(f"b{name}", task=name) for name in names],
    )
    plan = guarded(desired(*after), owning(*before), request(max_deletes="100%"))
    assert len(plan.diagnostics) == 21
    assert plan.diagnostics[-1].text == "10 more new schedules have the values of one that is deleted"


def test_a_deletion_shows_what_is_lost() -> None:
    schedule = declared("old", queue="slow")
    ran = row(schedule, last_run_at=NOW - timedelta(hours=1), total_run_count=3)
    (change,) = guarded(desired(), observed(ran, inventory=(owned(schedule),)), request(allow_empty=True)).changes
    assert (change.action, change.note) == (Action.DELETE, "last run 2026-06-01 11:00 UTC")
    assert [(f.field, f.before, f.after) for f in change.fields] == [
        ("task", "shop.tasks.bill", None), ("interval", "1h", None), ("queue", "slow", None),
    ]  # fmt: skip
    # BeatSync set the `last_run_at` of a row that it created.
    new = row(schedule, last_run_at=NOW)
    (change,) = guarded(desired(), observed(new, inventory=(owned(schedule),)), request(allow_empty=True)).changes
    assert change.note == "it never ran"
