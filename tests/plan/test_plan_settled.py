"""Where spec, row and inventory say the same, nothing is made of the three: the plan is the one that every question would give."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from beatsync.plan import diff, enforce, match
from beatsync.plan.model import Plan
from beatsync.plan.observed import Claim, NameRule, Observed, Owned, Row, Tombstone
from beatsync.values import Clocked, Crontab, Desired, Interval, OnRemove, Policy
from tests.builders import NOW, declared, desired, observed, owned, request, row

NAMES = ["a", "b", "B", "é", "e"]
schedules = st.sampled_from(
    [
        Interval(1, "hours"),
        Crontab("0", "12", "*", "*", "*", "Europe/Berlin"),
        Clocked(NOW + timedelta(days=1)),
        Clocked(NOW - timedelta(days=1)),
    ]
)
policies = st.builds(
    Policy,
    st.sampled_from(OnRemove),
    st.sampled_from([(), ("queue",), ("enabled",)]),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, None, "z"]),
    st.sampled_from([(), ("kwargs.token",)]),
)
fields: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"schedule": schedules},
    optional={
        "kwargs": st.sampled_from(['{"a": 1}', '{"a": 2}']),
        "queue": st.sampled_from(["q", None]),
        "expires": st.sampled_from([NOW - timedelta(hours=1), NOW + timedelta(hours=1)]),
        "one_off": st.booleans(),
        "enabled": st.booleans(),
    },
)
drifts: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}] * 6 + [{"enabled": False}, {"enabled": True}, {"queue": "other"}, {"name": "renamed"}]
)

left: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}] * 7 + [{"retired": True}, {"frozen": True}, {"row_id": 9}, {"name": "another"}]
)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Desired, Observed]:
    specs = [
        declared(name, policy=draw(policies), **draw(fields))
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True))
    ]
    rows: list[Row] = []
    entries: list[Owned] = []
    for number, one in enumerate(specs, 1):
        # What was applied last is what the files say now, more often than not.
        last = draw(st.sampled_from([one, one, one, None]))
        if last is None:
            last = declared(one.spec.name, policy=draw(policies), path=draw(st.sampled_from("xy")), **draw(fields))
        if draw(st.integers(0, 9)):
            rows.append(row(last, number, **draw(drifts), total_run_count=draw(st.sampled_from([0, 2]))))
        if draw(st.integers(0, 9)):
            entries.append(owned(last, number)._replace(**draw(left)))
    claims = draw(st.dictionaries(st.sampled_from([*NAMES, "theirs"]), st.integers(1, 9), max_size=1))
    seen = observed(
        *rows,
        inventory=tuple(entries),
        owners={name: Claim("other", row_id, "o.yaml") for name, row_id in claims.items()},
        beat_schedule=frozenset(draw(st.lists(st.sampled_from(NAMES), max_size=1))),
        name_rule=draw(st.sampled_from(NameRule)),
        tombstones=tuple(Tombstone("a", 1) for _ in range(draw(st.integers(0, 1)))),
    )
    return desired(*specs), seen


@given(world=worlds())
def test_the_plan_is_that_of_all_questions(world: tuple[Desired, Observed]) -> None:
    files, seen = world
    assert plan_of(files, seen) == asking_everything(files, seen)


def test_nothing_is_asked_of_what_is_settled() -> None:
    one = declared()
    files, seen = desired(one), observed(row(one), inventory=(owned(one),))
    with mock.patch.object(diff, "enforce", side_effect=AssertionError):
        assert plan_of(files, seen).unchanged == 1


def test_an_entry_of_another_name_is_not_settled() -> None:
    """As a hand or a database that was restored in parts leaves it: the row is ours, and the entry gets its name again."""
    one = declared()
    made = plan_of(desired(one), observed(row(one), inventory=(owned(one)._replace(name="another"),)))
    assert [(record.name, record.previous_name) for record in made.records] == [(one.spec.name, "another")]


def plan_of(files: Desired, seen: Observed) -> Plan:
    return diff.make_plan(files, seen, request(max_deletes="100%"))


def asking_everything(files: Desired, seen: Observed) -> Plan:
    with (
        mock.patch.object(match, "is_settled", return_value=False),
        mock.patch.object(enforce, "is_settled", return_value=False),
    ):
        return plan_of(files, seen)
