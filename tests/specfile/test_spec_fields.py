"""The field table and the other keys have the limits of the published JSON Schema, and accept and refuse the same documents."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from beatsync.published import read_schema
from beatsync.specfile.checks import check
from beatsync.specfile.fields import BY_NAME, FIELD_TABLE
from beatsync.specfile.keys import DOCUMENT_RULE, NAME_RULE
from beatsync.specfile.rules import Rule
from beatsync.specfile.scalars import Ambiguous
from beatsync.values import FIELDS, TaskSpec
from tests.specfile.corpus import cases
from tests.specfile.jsonschemas import validator
from tests.specfile.test_spec_schema import documents

SCHEMA = read_schema("beatsync")
_LIMITS = ("minimum", "maximum", "minLength", "maxLength", "pattern", "minItems", "minProperties", "uniqueItems")


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part of the schema with its reference followed."""
    reference = part.get("$ref")
    return SCHEMA["$defs"][reference.rpartition("/")[2]] if reference else part


def limits_of(rule: Rule) -> dict[str, Any]:
    is_mapping = "object" in rule.types
    limits = {
        "minimum": rule.minimum if math.isfinite(rule.minimum) else None,
        "maximum": rule.maximum if math.isfinite(rule.maximum) else None,
        "minLength": rule.min_length or None,
        "maxLength": rule.max_length,
        "pattern": rule.pattern.pattern if rule.pattern else None,
        "minProperties" if is_mapping else "minItems": rule.min_items or None,
        "uniqueItems": rule.unique or None,
    }
    return {name: limit for name, limit in limits.items() if limit is not None}


def compare_limits(rule: Rule, part: dict[str, Any], where: str) -> None:
    types = part.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types or rule is not NAME_RULE:  # the names of a mapping are texts, and the schema need not say so
        assert not types or (set(types) == set(rule.types)), where
        assert tuple(types) == rule.types or not types, where
    assert limits_of(rule) == {name: part[name] for name in _LIMITS if name in part}, where
    choices = [part["const"]] if "const" in part else part.get("enum", [])
    assert set(choices) == set(rule.choices), where
    assert (rule.items is None) == ("items" not in part), where
    if rule.items is not None:
        compare_limits(rule.items, part["items"], f"{where}[]")
    if rule.names is not None:
        compare_limits(rule.names, part["propertyNames"], f"{where} names")
    assert (rule.names is None) == ("propertyNames" not in part), where


def compare(rule: Rule, part: dict[str, Any], where: str) -> int:
    """Compare a rule with a part of the schema and everything in it; return the number of rules compared."""
    assert part["title"], where
    assert part["description"], where
    assert rule.example == part["examples"][0], where
    compare_limits(rule, part, where)
    properties = part.get("properties", {})
    assert {key for key, value in properties.items() if value == {"not": {}}} == rule.reserved, where
    assert (rule.keys or {}).keys() == properties.keys() - rule.reserved, where
    assert list(rule.required) == part.get("required", []), where
    assert rule.extensions == ("patternProperties" in part), where
    if rule.values is not None:
        compare(rule.values, resolved(part["additionalProperties"]), f"{where}.*")
    return 1 + sum(
        compare(inner, resolved(properties[key]), f"{where}.{key}") for key, inner in (rule.keys or {}).items()
    )


def test_each_rule_is_documented_in_the_schema_and_has_its_limits() -> None:
    assert compare(DOCUMENT_RULE, SCHEMA, "document") > 30


def test_the_table_has_a_row_for_each_attribute_of_a_task() -> None:
    names = [field.name for field in FIELD_TABLE]
    assert names == [name for name in TaskSpec._fields if name != "schedule"]
    assert list(BY_NAME) == names


def test_the_documented_default_of_a_field_converts_to_that_of_the_task() -> None:
    for field in FIELD_TABLE:
        documented = SCHEMA["$defs"].get(field.name, {})
        if "default" in documented:
            default = documented["default"]
            assert (default if default is None else field.convert(default, "UTC")) == field.default, field.name


def agree(document: Any) -> bool:
    """Return whether the checks accept a document; fail if jsonschema does not agree."""
    accepted = not check(document, 0)
    assert accepted == validator().is_valid(document), document
    return accepted


def test_the_checks_accept_and_refuse_the_corpus_as_jsonschema_does() -> None:
    results = [agree(document) for case in (*cases("valid"), *cases("invalid")) for document in documents(case)]
    assert 50 < sum(results) < len(results) - 50


ANY = st.one_of(
    st.sampled_from(
        [
            None, True, False, 0, 1, 1.0, 1.5, -1, 256, "", "a", "a b", "1h", "UTC", "x" * 201, "a\n",
            Ambiguous("no", truth=False), Ambiguous("1_0"),
        ]
    ),
    st.sampled_from(
        [*([key] for key in FIELDS), [], [1], ["a", "a"], ["a", "b"], [True, 1], [1, 1.0], [[1], [True]], {}, {"every": 1}]
    ),
    st.dictionaries(
        st.sampled_from(["on_remove", "ignore", "sensitive", "hour", "minute", "renamed_from", "protect"]),
        st.one_of(
            st.sampled_from(["keep", "kept", 5, "x" * 201, ""]),
            st.lists(
                st.sampled_from(["queue", "kwargs.a", "args", 1, 1.0, True, None, "", Ambiguous("no", truth=False)])
            ),
        ),
        max_size=2,
    ),
    st.fixed_dictionaries(
        {"every": st.sampled_from([1, True, 1.0, "1"]), "period": st.sampled_from(["days", "weeks"])}
    ),
    st.fixed_dictionaries(
        {"event": st.sampled_from(["sunset", 1]), "latitude": st.sampled_from([1, 91]), "longitude": st.just(True)}
    ),
    st.dictionaries(
        st.sampled_from(["hour", "minute", "protect", "periodic_task_name", "timezone"]), st.integers(0, 2), max_size=2
    ),
)  # fmt: skip
BODY = st.dictionaries(st.sampled_from([*FIELDS, "sync", "only", "unknown"]), ANY, max_size=3)
NAMES = st.sampled_from(["a", "b c", " d", "celery.e", "é", "1", "", "f\n", "g\nh", "x" * 201])
VALID_VALUES = {name: field.rule.example for name, field in BY_NAME.items() if name not in {"name", "task"}}


@given(
    st.fixed_dictionaries(
        {"schedules": st.one_of(st.dictionaries(NAMES, st.one_of(BODY, ANY), max_size=3), ANY)},
        optional={
            "version": st.sampled_from([1, True, 1.0, 2, "1", None]), "defaults": st.one_of(BODY, ANY), "x-y": ANY, "z": ANY,
        },
    ),
    st.one_of(st.dictionaries(st.sampled_from(["live", "", "b", "x" * 101]), st.one_of(BODY, ANY), max_size=2), ANY),
)  # fmt: skip
def test_the_checks_and_jsonschema_agree_on_any_document(document: dict[str, Any], environments: Any) -> None:
    schedules = document["schedules"]
    for body in schedules.values() if isinstance(schedules, dict) else ():
        if isinstance(body, dict):
            body["environments"] = environments
        break
    agree(document)


@given(
    st.dictionaries(st.sampled_from(sorted(VALID_VALUES)), st.just(None), max_size=4), st.sampled_from(["a", "b"]), ANY
)
def test_the_checks_and_jsonschema_agree_on_nearly_valid_documents(keys: dict[str, None], name: str, odd: Any) -> None:
    body: dict[str, Any] = {"task": "t", "interval": "1h", **{key: VALID_VALUES[key] for key in keys}}
    agree({"schedules": {name: body}})
    for key in keys:
        agree({"schedules": {name: {**body, key: odd}}, "defaults": {key: odd}})


@given(ANY)
def test_the_checks_and_jsonschema_agree_on_whatever_a_document_is(document: Any) -> None:
    agree(document)
