"""The published JSON Schema, and its verdict on a document in BeatSync's own words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path as FilePath
from typing import Any

from beatsync.spec.layers import KINDS
from beatsync.spec.problems import Path, Problem
from beatsync.spec.scalars import Ambiguous
from beatsync.spec.secrets import looks_secret

NAMES = ("beatsync", "plan", "validate", "status")
"""The schemas that are published; the first is that of spec files."""

_TYPES = {
    "string": "a string", "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "array": "a list", "object": "a mapping", "null": "null",
}  # fmt: skip


@cache
def read_schema(name: str) -> dict[str, Any]:
    """Return the published schema of that name, of `NAMES`."""
    here = FilePath(__file__).resolve().parent.parent
    # In the wheel the schemas lie inside the package, in a checkout beside it.
    places = (here / "schemas", here.parent / "schemas")
    file = next(place / f"{name}.schema.json" for place in places if (place / f"{name}.schema.json").is_file())
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema


def check(document: Any, number: int) -> list[Problem]:
    """Return what the schema finds wrong with the document of that number in its file."""
    return [problem for error in _validator().iter_errors(document) for problem in _problems(error, number)]


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    base = Draft202012Validator.TYPE_CHECKER
    checker = base.redefine(
        "boolean",
        lambda _, value: isinstance(value, bool) or (isinstance(value, Ambiguous) and value.truth is not None),
    )
    made = extend(Draft202012Validator, type_checker=checker)  # type: ignore[no-untyped-call]
    return made(read_schema(NAMES[0]))


def _problems(error: Any, number: int) -> Iterator[Problem]:
    path: Path = (number, *error.absolute_path)
    rule, wanted, value = error.validator, error.validator_value, error.instance
    if rule == "additionalProperties":
        yield from _unknown_keys(error, path)
    elif rule == "required":
        missing = next(key for key in wanted if f"'{key}'" in error.message.split(" is a required")[0])
        yield Problem(path, "missing-key", f"`{missing}` is missing", on_key=True)
    elif rule == "not":
        yield from _excluded(path, error)
    elif "propertyNames" in error.absolute_schema_path:
        yield _name(path, value)
    else:
        yield _value(path, rule, wanted, value)


def _unknown_keys(error: Any, path: Path) -> Iterator[Problem]:
    from difflib import get_close_matches

    known = list(error.schema.get("properties", ()))
    for key in error.instance:
        if key not in known and not (len(path) == 1 and key.startswith("x-")):
            near = get_close_matches(key.lower(), known, n=1, cutoff=0.6)
            hint = f"did you mean `{near[0]}`?" if near else f"the keys here are {', '.join(sorted(known))}"
            yield Problem((*path, key), "unknown-key", f"there is no key `{key}` here", hint, on_key=True)


def _excluded(path: Path, error: Any) -> Iterator[Problem]:
    key = str(path[-1])
    if key == "periodic_task_name":
        yield Problem(path, "header-reserved", "beat itself writes the header `periodic_task_name`", on_key=True)
        return
    first = error.absolute_schema_path[-4]
    if key not in KINDS:
        yield Problem(path, "exclusive-keys", f"`{first}` and `{key}` exclude each other", on_key=True)
    elif KINDS.index(first) < KINDS.index(key):  # the schema finds each pair from both sides
        message = f"`{first}` and `{key}` exclude each other: a schedule is of one kind"
        yield Problem(path, "kind-twice", message, on_key=True)


def _name(path: Path, value: Any) -> Problem:
    here, key = (*path, str(value)), str(value)
    if key.startswith("celery."):
        hint = "such rows are made by celery beat"
        return Problem(
            here, "name-reserved", f"names that begin with `celery.` are beat's own: {key!r}", hint, on_key=True
        )
    if not key or len(key) > 200:  # noqa: PLR2004  the column
        return Problem(here, "name-length", "a name has 1 to 200 characters", on_key=True)
    return Problem(
        here, "name-space", f"the name {key!r} begins or ends with white space, or is more than a line", on_key=True
    )


def _value(path: Path, rule: str, wanted: Any, value: Any) -> Problem:
    if isinstance(value, Ambiguous):
        return ambiguous(path, value)
    shown = "the value" if is_secret(path) else _shown(value)
    if rule == "type":
        kinds = [wanted] if isinstance(wanted, str) else [kind for kind in wanted if kind != "null"]
        hint = None
        if "string" in kinds and isinstance(value, (bool, int, float)) and shown != "the value":
            hint = f'quote it: "{json.dumps(value)}"'
            if path[-1] == "interval":
                hint = f"write {shown}s for seconds"
        return Problem(path, "wrong-type", f"{shown} is not {' or '.join(_TYPES[kind] for kind in kinds)}", hint)
    if rule in {"enum", "const"}:
        return _not_one_of(path, wanted if rule == "enum" else [wanted], value, shown)
    if rule in {"minimum", "maximum"}:
        return Problem(path, "out-of-range", f"{shown} is {'less' if rule == 'minimum' else 'more'} than {wanted}")
    if rule in {"minLength", "minItems", "minProperties"}:
        return Problem(path, "empty-value", "this may not be empty")
    if rule == "maxLength":
        return Problem(path, "too-long", f"this has {len(value)} characters, and the column holds {wanted}")
    if rule == "uniqueItems":
        return Problem(path, "item-twice", "something is named twice in this list")
    if "sensitive" in path:
        return Problem(
            path, "sensitive-path", f"{shown} is no path", "it begins with args, kwargs or headers: kwargs.token"
        )
    return Problem(path, "task-name", f"{shown} is no task name: it holds white space")


def _not_one_of(path: Path, choices: Iterable[Any], value: Any, shown: str) -> Problem:
    from difflib import get_close_matches

    texts = [str(choice) for choice in choices]
    near = get_close_matches(str(value), texts, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else f"it is one of {', '.join(texts)}"
    return Problem(path, "unknown-value", f"{shown} is not known here", hint)


def ambiguous(path: Path, value: Ambiguous) -> Problem:
    """Return the problem of a scalar that people and YAML read differently."""
    if is_secret(path):
        return Problem(path, "yaml-ambiguous", "YAML takes this for something else than text", "quote it")
    hint = f'quote it: "{value.text}"'
    if value.truth is not None:
        hint += f", or write {str(value.truth).lower()}"
    return Problem(path, "yaml-ambiguous", f"YAML takes {value.text} for something else than text", hint)


def is_secret(path: Path) -> bool:
    """Whether what stands at a path may not be shown."""
    return any(isinstance(part, str) and looks_secret(part) for part in path)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004
