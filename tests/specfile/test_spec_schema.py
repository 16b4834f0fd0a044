from __future__ import annotations

import ast
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.validators import MaxValueValidator
from django.db.models import NOT_PROVIDED, AutoField, Field, Model
from django.forms import IntegerField
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from jsonschema import Draft202012Validator

from beatsync.published import read_schema
from beatsync.specfile import checks, wording
from beatsync.specfile.checks import check
from beatsync.specfile.parse import ParseOptions, parse_file
from beatsync.specfile.reader import read
from beatsync.specfile.rules import KINDS
from beatsync.specfile.scalars import Ambiguous
from beatsync.values import FIELDS, SourceFile, TaskSpec
from tests import codes
from tests.specfile.corpus import Case, cases

SCHEMA = read_schema("beatsync")
DEFS = SCHEMA["$defs"]
PLAIN = Draft202012Validator(SCHEMA)
STRUCTURAL = {
    "empty-value", "exclusive-keys", "header-reserved", "item-twice", "kind-twice", "name-length", "name-reserved",
    "name-space", "out-of-range", "sensitive-path", "task-name", "too-long", "unknown-key", "unknown-value", "wrong-type",
}  # fmt: skip
"""What an editor that knows only the schema finds as well."""
EXAMPLE = {
    "interval": "1h",
    "crontab": "0 2 * * *",
    "solar": {"event": "sunset", "latitude": 1, "longitude": 2},
    "clocked": "2027-01-05T03:00Z",
    "every": {"otherwise": "15m"},
}


def settable(model: type[Model]) -> dict[str, Field[Any, Any]]:
    fields = {field.name: field for field in model._meta.concrete_fields}
    return {name: field for name, field in fields.items() if field.editable and not isinstance(field, AutoField)}


def described(part: dict[str, Any], where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every property, and whatever else has a place of its own."""
    for key, value in {**part.get("properties", {}), **part.get("patternProperties", {})}.items():
        if "$ref" not in value and value != {"not": {}}:
            yield f"{where}/{key}", value
            yield from described(value, f"{where}/{key}")
    for key, value in part.get("$defs", {}).items():
        yield f"$defs/{key}", value
        yield from described(value, f"$defs/{key}")


PLACES = [*described(SCHEMA), ("", SCHEMA)]


def names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from names(item)


def as_editors_read(value: Any) -> Any:
    if isinstance(value, Ambiguous):
        return value.text if value.truth is None else value.truth
    if isinstance(value, dict):
        return {key: as_editors_read(item) for key, item in value.items()}
    return [as_editors_read(item) for item in value] if isinstance(value, list) else value


def documents(case: Case) -> list[Any]:
    return [as_editors_read(document) for file in case.files() for document in read(file.data).documents]


def accepts(schedule: dict[str, Any], **more: Any) -> bool:
    return PLAIN.is_valid({"schedules": {"one": {"task": "t", **schedule}}, **more})


def test_it_is_a_schema_of_the_draft_that_it_names() -> None:
    assert SCHEMA["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(SCHEMA)


def test_each_reference_leads_somewhere_and_each_definition_is_used() -> None:
    text = json.dumps(SCHEMA)
    for name in DEFS:
        assert f'"#/$defs/{name}"' in text
    assert text.count('"$ref"') == sum(text.count(f'"$ref": "#/$defs/{name}"') for name in DEFS)


def test_no_one_of_hides_what_is_wrong() -> None:
    assert not {"oneOf", "anyOf", "else"} & set(names(SCHEMA))


@pytest.mark.parametrize(("where", "part"), PLACES, ids=[where or "/" for where, _ in PLACES])
def test_an_editor_can_explain_it(where: str, part: dict[str, Any]) -> None:
    assert part.get("title"), f"{where} has no title"
    assert part.get("description", "").endswith("."), f"{where} has no description"
    if "^" not in where:
        assert part.get("examples") or "default" in part, f"{where} has neither examples nor a default"
    rules = PLAIN.evolve(schema=part)
    for value in [*part.get("examples", ()), *([part["default"]] if "default" in part else ())]:
        rules.validate(value)


@pytest.mark.parametrize(("where", "part"), PLACES, ids=[where or "/" for where, _ in PLACES])
def test_it_takes_no_key_that_it_does_not_know(where: str, part: dict[str, Any]) -> None:
    if "properties" in part and where != "$defs/headers":
        assert part.get("additionalProperties") is False


@pytest.mark.parametrize("name", sorted({*DEFS["schedule"]["properties"]} - {"environments", "only", "sync"}))
def test_each_example_of_a_field_is_a_valid_spec(name: str) -> None:
    for example in DEFS[name]["examples"]:
        body = {"task": "t", name: example} if name in KINDS else {"task": "t", "interval": "1h", name: example}
        windows = {"office": {"days": "mon-fri", "from": "08:00", "to": "18:00"}}
        text = json.dumps({"windows": windows, "schedules": {"one": body}}, ensure_ascii=False)
        assert parse_file(SourceFile("a.yaml", text.encode()), ParseOptions()).diagnostics == ()


@pytest.mark.parametrize("case", cases("valid"), ids=lambda case: case.name)
def test_every_valid_spec_is_accepted(case: Case) -> None:
    for document in documents(case):
        PLAIN.validate(document)


@pytest.mark.parametrize("case", cases("invalid"), ids=lambda case: case.name)
def test_every_structural_fault_is_refused(case: Case) -> None:
    reported = {each.code for each in case.desired().diagnostics}
    refused = not all(PLAIN.is_valid(document) for document in documents(case))
    assert refused >= bool(reported & STRUCTURAL)


def test_the_structural_faults_are_those_that_the_schema_finds() -> None:
    trees = [ast.parse(Path(str(module.__file__)).read_bytes()) for module in (checks, wording)]
    # A task may stand in `defaults`, and what is ambiguous an editor reads in its own way.
    reported = {code for tree in trees for code in codes._codes(tree)}
    assert reported - {"missing-key", "yaml-ambiguous"} == STRUCTURAL


@pytest.mark.parametrize("place", ["schedule", "defaults", "environment"])
@pytest.mark.parametrize(("first", "other"), [*itertools.permutations(KINDS, 2), ("expires", "expire_seconds")])
def test_what_excludes_each_other(place: str, first: str, other: str) -> None:
    values = {**EXAMPLE, "expires": "2027-01-05", "expire_seconds": 60}

    def document(*keys: str) -> Any:
        given = {key: values[key] for key in keys}
        if place == "schedule":
            return {"schedules": {"one": {"task": "t", **given}}}
        if place == "defaults":
            return {"defaults": given}
        return {"schedules": {"one": {"task": "t", "environments": {"staging": given}}}}

    assert PLAIN.is_valid(document(first))
    assert PLAIN.is_valid(document(other))
    assert not PLAIN.is_valid(document(first, other))
    (problem,) = check(document(first, other), 0)
    assert problem.code in {"kind-twice", "exclusive-keys"}
    # A key that is null is left out.
    for empty in (first, other):
        document_with_null = json.loads(json.dumps(document(first, other)).replace(json.dumps(values[empty]), "null"))
        assert PLAIN.is_valid(document_with_null)
        assert check(document_with_null, 0) == []


def test_an_environment_or_a_schedule_may_replace_the_kind_of_what_is_below() -> None:
    for first, other in itertools.permutations(KINDS, 2):
        assert accepts({first: EXAMPLE[first]}, defaults={other: EXAMPLE[other]})
        assert accepts({first: EXAMPLE[first], "environments": {"staging": {other: EXAMPLE[other]}}})


def test_its_fields_are_those_that_the_model_lets_a_person_set() -> None:
    of_beatsync = {"timezone", "sync", "environments", "only", "every"}
    fields = {*DEFS["schedule"]["properties"]} - of_beatsync
    assert fields == settable(PeriodicTask).keys() - {"name"}
    assert {*DEFS["defaults"]["properties"]} == fields | {"timezone", "sync", "every", "environments"}
    assert {*DEFS["environment"]["properties"]} == fields | {"timezone", "sync", "every"}
    assert {*DEFS["interval"]["properties"]} == settable(IntervalSchedule).keys()
    assert {*DEFS["crontab"]["properties"]} == settable(CrontabSchedule).keys()
    assert {*DEFS["solar"]["properties"]} == settable(SolarSchedule).keys()
    ignored = DEFS["sync"]["properties"]["ignore"]["items"]["enum"]
    assert sorted(ignored) == sorted({*FIELDS} - {"name"})


def test_its_choices_are_the_models() -> None:
    for model, part, name in ((IntervalSchedule, "interval", "period"), (SolarSchedule, "solar", "event")):
        choices = [value for value, _ in model._meta.get_field(name).choices]
        assert sorted(DEFS[part]["properties"][name]["enum"]) == sorted(choices)


def test_its_limits_are_the_columns() -> None:
    lengths = {name: field.max_length for name, field in settable(PeriodicTask).items() if field.max_length}
    assert lengths.pop("name") == SCHEMA["properties"]["schedules"]["propertyNames"]["maxLength"]
    assert lengths == {name: DEFS[name]["maxLength"] for name in lengths}
    zone = CrontabSchedule._meta.get_field("timezone")
    assert DEFS["timezone"]["maxLength"] == zone.max_length
    priority = settable(PeriodicTask)["priority"]
    # Older Djangos leave the lower end to the form.
    form = priority.formfield()
    assert isinstance(form, IntegerField)
    assert form.min_value == DEFS["priority"]["minimum"]
    limits = [each.limit_value for each in priority.validators if isinstance(each, MaxValueValidator)]
    assert DEFS["priority"]["maximum"] in limits


def test_its_defaults_are_those_of_a_spec_and_of_the_model() -> None:
    bare = TaskSpec("name", "task", None).fields()
    model = settable(PeriodicTask)
    for name in bare.keys() - {"name", "task"}:
        default = model[name].default
        columns = bare[name] if default is NOT_PROVIDED else default
        assert columns == bare[name]
        if name != "enabled":  # left out, it belongs to whoever operates the row
            text = json.dumps(DEFS[name]["default"]) if name in {"args", "kwargs", "headers"} else DEFS[name]["default"]
            assert text == bare[name]
    assert "default" not in DEFS["enabled"]


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        {"schedules": None},
        {"defaults": None},
        {"x-anything": [1, {"a": None}]},
        {"version": 1},
    ],
)
def test_documents_that_are_accepted(document: Any) -> None:
    PLAIN.validate(document)


@pytest.mark.parametrize(
    "document",
    [
        [],
        "text",
        {"version": 2},
        {"version": "1"},
        {"version": True},
        {"x": 1},
        {"schedules": {"one": None}},
        {"schedules": {"celery.backend_cleanup": {"task": "t", "interval": "1h"}}},
        {"defaults": {"only": ["staging"]}},
        {"defaults": {"environments": {"staging": {"environments": {}}}}},
        {"defaults": {"only": ["production"]}},
        {"schedules": {"one": {"environments": {"staging": {"only": ["staging"]}}}}},
    ],
)
def test_documents_that_are_refused(document: Any) -> None:
    assert not PLAIN.is_valid(document)
