from __future__ import annotations

from dataclasses import replace

import pytest

from beatsync.plan.diff import make_plan
from beatsync.plan.guard import DeleteLimit, removal_limit
from beatsync.plan.observed import Observed
from beatsync.values import OnRemove, Policy
from tests.builders import REVISION, declared, desired, observed, owned, request, row


def owning(count: int, policy: Policy | None = None) -> Observed:
    names = [declared(f"task-{number:03}", policy=policy) for number in range(count)]
    return observed(
        *(row(one, number) for number, one in enumerate(names)),
        inventory=tuple(owned(one, number) for number, one in enumerate(names)),
    )


def keeping(count: int) -> object:
    return desired(*(declared(f"task-{number:03}") for number in range(count)))


@pytest.mark.parametrize(
    ("have", "left", "codes"),
    [
        (4, 1, []),
        (5, 1, ["max-deletes"]),
        (10, 7, []),
        (10, 6, ["max-deletes"]),
        (100, 70, []),
        (100, 69, ["max-deletes"]),
        (3, 0, ["empty"]),
        (9, 0, ["empty", "max-deletes"]),
        (10, 0, ["empty", "max-deletes"]),
    ],
)
def test_the_larger_of_three_rows_and_thirty_percent(have: int, left: int, codes: list[str]) -> None:
    plan = make_plan(keeping(left), owning(have), request())  # type: ignore[arg-type]
    assert [blocked.code for blocked in plan.blocked] == codes


def test_disabling_counts_as_deleting() -> None:
    plan = make_plan(desired(declared("new")), owning(5, Policy(on_remove=OnRemove.DISABLE)), request())
    assert [blocked.code for blocked in plan.blocked] == ["max-deletes"]


def test_to_switch_off_in_the_files_counts_as_well_and_to_heal_a_drift_does_not() -> None:
    off = desired(*(declared(f"task-{number:03}", enabled=False) for number in range(5)))
    (blocked,) = make_plan(off, owning(5), request()).blocked
    assert (blocked.code, blocked.names) == ("max-deletes", tuple(f"task-{number:03}" for number in range(5)))
    switched_on = observed(
        *(row(one, number, enabled=True) for number, one in enumerate(off.schedules)),
        inventory=tuple(owned(one, number) for number, one in enumerate(off.schedules)),
    )
    healed = make_plan(off, switched_on, request())
    assert (len(healed.changes), healed.blocked) == (5, ())


def test_keeping_does_not() -> None:
    plan = make_plan(desired(declared("new")), owning(5, Policy(on_remove=OnRemove.KEEP)), request())
    assert plan.blocked == ()


def test_the_list_and_the_switch_are_named() -> None:
    (blocked,) = make_plan(desired(declared("new")), owning(5), request()).blocked
    assert blocked.names == tuple(f"task-{number:03}" for number in range(5))
    assert "--max-deletes 5" in (blocked.hint or "")


def test_allow_empty_does_not_turn_the_limit_off() -> None:
    plan = make_plan(desired(), owning(9), request(allow_empty=True))
    assert [blocked.code for blocked in plan.blocked] == ["max-deletes"]


def test_an_empty_source_that_owns_nothing_is_fine() -> None:
    assert make_plan(desired(), observed(), request()).blocked == ()


def test_approving_exactly_the_reviewed_plan_passes_the_limit() -> None:
    first = make_plan(desired(declared("new")), owning(5), request())
    assert make_plan(desired(declared("new")), owning(5), request(approved=first.checksum)).blocked == ()
    other = make_plan(desired(declared("new")), owning(6), request(approved=first.checksum))
    assert [blocked.code for blocked in other.blocked] == ["max-deletes"]


@pytest.mark.parametrize(("text", "owned_rows", "limit"), [("7", 2, 7), ("0", 9, 0), ("50%", 9, 4), ("100%", 9, 9)])
def test_limits(text: str, owned_rows: int, limit: int) -> None:
    assert removal_limit(text, owned_rows) == limit


@pytest.mark.parametrize("text", ["", "-1", "many", "101%", "5 %x", "1.5"])
def test_limits_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        DeleteLimit.parse(text)


def test_the_same_source_from_elsewhere_is_blocked() -> None:
    one = declared()
    seen = observed(row(one), inventory=(owned(one),), origin="git@host:a.git#schedules")
    plan = make_plan(desired(one), seen, request(origin="git@host:b.git#schedules"))
    assert [blocked.code for blocked in plan.blocked] == ["origin"]
    assert make_plan(desired(one), seen, request(origin="git@host:a.git#schedules")).blocked == ()
    assert make_plan(desired(one), seen, request(origin=None)).blocked == ()
    assert make_plan(desired(one), seen, request(origin="x", accept_origin=True)).blocked == ()


@pytest.mark.parametrize(
    ("before", "now", "warns"), [("production", None, True), (None, "staging", True), ("a", "a", False)]
)
def test_another_environment_than_last_time_is_warned_of(before: str | None, now: str | None, warns: bool) -> None:
    files = desired(declared("one"), environment=now)
    last = owning(0)
    assert make_plan(files, replace(last, environment=before), request()).diagnostics == ()  # never synced
    plan = make_plan(files, replace(last, environment=before, revision=REVISION), request())
    assert ([one.code for one in plan.diagnostics], plan.blocked) == (["environment-changed"] * warns, ())
