from __future__ import annotations

import json

import pytest

from beatsync.plan.diff import make_plan
from beatsync.plan.jsonform import plan_lines
from beatsync.plan.mask import masked
from beatsync.plan.model import Action, Cause, Change, FieldChange
from beatsync.values import FieldValue, Policy
from tests.builders import declared, desired, observed, owned, request, row


def change(field: str, before: FieldValue, after: FieldValue, *sensitive: str) -> Change:
    fields = (FieldChange(field, before, after, Cause.SPEC),)
    return Change(Action.UPDATE, "x", Cause.SPEC, fields, sensitive=sensitive)


def shown(field: str, before: FieldValue, after: FieldValue, *sensitive: str) -> tuple[FieldValue, FieldValue]:
    (result,) = masked(change(field, before, after, *sensitive)).fields
    return result.before, result.after


def test_a_secret_that_changes_still_shows_as_a_change() -> None:
    before, after = shown("kwargs", '{"api_token": "old", "day": 1}', '{"api_token": "new", "day": 2}')
    assert before == '{"api_token": "*** (before)", "day": 1}'
    assert after == '{"api_token": "*** (after)", "day": 2}'


def test_a_secret_that_stays_has_the_same_mask_on_both_sides() -> None:
    assert shown("kwargs", '{"password": "x", "n": 1}', '{"password": "x", "n": 2}') == (
        '{"n": 1, "password": "***"}',
        '{"n": 2, "password": "***"}',
    )


@pytest.mark.parametrize("text", ['{"credentials": {"user": "a", "pin": 5}}', '{"deep": [{"secret": ["s3cr3t"]}]}'])
def test_every_value_under_a_secret_name_is_masked(text: str) -> None:
    _, after = shown("kwargs", None, text)
    assert "***" in str(after)
    assert "s3cr3t" not in str(after)
    assert "pin" not in str(after)


def test_listed_paths_are_masked() -> None:
    _, after = shown("kwargs", None, '{"card": {"number": 4, "name": "n"}}', "kwargs.card.number")
    assert json.loads(str(after)) == {"card": {"number": "***", "name": "n"}}
    _, after = shown("args", None, '["a", "b"]', "args.1")
    assert after == '["a", "***"]'
    assert shown("args", "[1]", "[2]", "args") == ('"*** (before)"', '"*** (after)"')


def test_a_text_that_is_not_json_is_not_shown() -> None:
    before, _ = shown("kwargs", "{'password': 'x'", "{}")
    assert before == "*** (not JSON)"


def test_fields_without_json_are_shown() -> None:
    assert shown("queue", "a", "b") == ("a", "b")


def test_the_json_of_a_plan_contains_no_secret() -> None:
    before = declared(
        kwargs='{"token": "s3cr3t-1"}', headers='{"x": "s3cr3t-2"}', policy=Policy(sensitive=("headers.x",))
    )
    after = declared(
        kwargs='{"token": "s3cr3t-3"}', headers='{"x": "s3cr3t-4"}', policy=Policy(sensitive=("headers.x",))
    )
    plans = [
        make_plan(desired(after), observed(), request()),
        make_plan(desired(after), observed(row(before), inventory=(owned(before),)), request()),
        make_plan(
            desired(after._replace(policy=Policy())), observed(row(before), inventory=(owned(before),)), request()
        ),
        make_plan(desired(), observed(row(before), inventory=(owned(before),)), request(allow_empty=True)),
    ]
    for plan in plans:
        assert plan.changes
        assert "s3cr3t" not in "\n".join(plan_lines(plan, applied=False))
