from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from beatsync.published import read_schema
from beatsync.specfile.parse import ParseOptions, parse_file
from beatsync.specfile.reader import read
from beatsync.values import DEFAULT_POLICY, Declared, TaskSpec
from tests.golden import compare
from tests.specfile.corpus import SPECS, Case, cases

VALID = cases("valid")


@pytest.mark.parametrize("case", VALID, ids=lambda case: case.name)
def test_each_valid_spec_declares_what_is_expected(case: Case) -> None:
    result: dict[str, Any] = {}
    for environment in [None, *case.environments()]:
        desired = case.desired(environment)
        assert not desired.diagnostics
        result[environment or "(none)"] = {each.spec.name: shown(each) for each in desired.schedules}
    compare(case.path.parent / f"{case.name}.expected", json.dumps(result, indent=2, ensure_ascii=False) + "\n")


def test_the_zone_of_the_options_applies_where_no_spec_names_one() -> None:
    file = Case(SPECS / "valid" / "crontab-timezone.yaml").files()[0]
    zones = [
        {
            each.spec.name: each.spec.fields()["timezone"]
            for each in parse_file(file, ParseOptions(timezone=zone)).schedules
        }
        for zone in ("Asia/Tokyo", "America/New_York")
    ]
    assert (zones[0]["default"], zones[0]["set-back"]) == ("Asia/Tokyo", "Asia/Tokyo")
    assert {name for name in zones[0] if zones[0][name] != zones[1][name]} == {"default", "set-back"}


def shown(each: Declared) -> dict[str, Any]:
    """Everything about a schedule but what it has by default."""
    bare = TaskSpec(each.spec.name, "", None).fields()
    fields = {key: value for key, value in each.spec.fields().items() if key not in bare or value != bare[key]}
    policy = {
        key: list(value) if isinstance(value, tuple) else value
        for key in DEFAULT_POLICY.__slots__
        if (value := getattr(each.policy, key)) != getattr(DEFAULT_POLICY, key)
    }
    group = {} if each.group is None else {"group": each.group, "clauses": each.clauses}
    return {"at": str(each.location), **fields, **group, "enabled_declared": each.enabled_declared, "policy": policy}


def test_each_expected_file_has_a_case() -> None:
    names = {f"{case.name}.expected" for case in VALID}
    assert {path.name for path in (SPECS / "valid").glob("*.expected")} == names, "remove what no case needs"


def test_every_key_and_every_choice_of_the_schema_is_in_a_valid_spec() -> None:
    schema = read_schema("beatsync")
    wanted = {pair for part in (schema, *schema["$defs"].values()) for pair in offered(part)}
    documents = [each for case in VALID for file in case.files() for each in read(file.data).documents]
    missing = wanted - {pair for each in documents for pair in used(each)}
    assert not missing, "write a file into tests/data/specs/valid for each new key and choice"


def offered(part: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yield each key, and each key with one of the texts that it may have."""
    for key, value in part.get("properties", {}).items():
        if "not" in value:
            continue
        yield key, None
        choices = value.get("enum", ()) or value.get("items", {}).get("enum", ())
        yield from ((key, choice) for choice in choices)
        yield from offered(value)


def used(value: Any) -> Iterator[tuple[str, str | None]]:
    if isinstance(value, list):
        for item in value:
            yield from used(item)
    if isinstance(value, dict):
        for key, item in value.items():
            yield key, None
            yield from ((key, text) for text in (item if isinstance(item, list) else [item]) if isinstance(text, str))
            yield from used(item)
