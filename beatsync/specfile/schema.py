"""What the published JSON Schema finds wrong with a document, in BeatSync's own words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from beatsync.specfile.layers import KINDS
from beatsync.specfile.problems import Path, Problem
from beatsync.published import validator
from beatsync.specfile.scalars import Ambiguous
from beatsync.specfile.secrets import is_secret

_TYPES = {
    "string": "a string", "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "array": "a list", "object": "a mapping", "null": "null",
}  # fmt: skip
_FREE_TEXT = frozenset({"queue", "exchange", "routing_key", "description", "renamed_from", "only"})
"""Where any text will do, so that a number needs no more than quotes."""
_ARGUMENTS = frozenset({"args", "kwargs", "headers"})
_BEATS_OWN = "beat itself keeps it, and nobody else writes it"
_ELSEWHERE = {
    "last_run_at": (_BEATS_OWN, None),
    "total_run_count": (_BEATS_OWN, None),
    "date_changed": (_BEATS_OWN, None),
    "name": ("the schedule's key is its name", None),
    "schedule": ("name its kind: interval, crontab, solar or clocked", "interval"),
    "options": ("queue, priority, expires and so on stand in the schedule itself", None),
    "weekday": ("did you mean `day_of_week`?", "day_of_week"),
}
"""Keys that people bring from celery's `beat_schedule`, from the model or from other crons: the mend, and the key that is meant."""


def check(document: Any, number: int) -> list[Problem]:
    """Return what the schema finds wrong with the document of that number in its file; to ask `passes` first costs less."""
    found = [problem for error in validator().iter_errors(document) for problem in _problems(error, number)]
    if len(found) < 2:  # noqa: PLR2004  nothing repeats another
        return found
    # A third kind of schedule excludes the first and the second: once is enough. So it is with a key that is only misspelt.
    excluded = {one.path: one for one in found if one.code == "kind-twice"}
    misspelt = {(one.path[:-1], one.meant) for one in found if one.code == "unknown-key"}
    return [
        one
        for one in found
        if one is excluded.get(one.path, one) and not (one.code == "missing-key" and (one.path, one.meant) in misspelt)
    ]


def _problems(error: Any, number: int) -> Iterator[Problem]:
    path: Path = (number, *error.absolute_path)
    rule, wanted, value = error.validator, error.validator_value, error.instance
    if rule == "additionalProperties":
        yield from _unknown_keys(error, path)
    elif rule == "required":
        missing = next(key for key in wanted if f"'{key}'" in error.message.split(" is a required")[0])
        message = f"`{missing}` is missing"
        yield Problem(path, "missing-key", message, _example(error.schema), on_key=True, meant=missing)
    elif rule == "not":
        yield from _excluded(path, error)
    elif "propertyNames" in error.absolute_schema_path:
        yield _name(path, value)
    elif rule == "uniqueItems":
        yield from _repeated(path, value)
    elif rule == "pattern" and not value:
        return  # that it is empty is said already
    else:
        yield _value(path, error)


def _unknown_keys(error: Any, path: Path) -> Iterator[Problem]:
    from difflib import get_close_matches

    known = list(error.schema.get("properties", ()))
    for key in error.instance:
        if key not in known and not (len(path) == 1 and key.startswith("x-")):
            hint, meant = _ELSEWHERE.get(key, (None, None))
            if len(path) == 1 or hint is None:
                near = get_close_matches(key.lower(), known, n=1, cutoff=0.6)
                near = near or [name for name in known if len(key) > 2 and name.startswith(key.lower())][:1]  # noqa: PLR2004
                meant = near[0] if near else None
                hint = f"did you mean `{meant}`?" if near else f"the keys here are {', '.join(sorted(known))}"
            message = f"there is no key `{key}` here"
            yield Problem((*path, key), "unknown-key", message, hint, on_key=True, meant=meant)


def _excluded(path: Path, error: Any) -> Iterator[Problem]:
    key = str(path[-1])
    if key == "periodic_task_name":
        message = "beat itself writes the header `periodic_task_name`"
        yield Problem(path, "header-reserved", message, "leave it out", on_key=True)
        return
    first = error.absolute_schema_path[-4]
    if key not in KINDS:
        message = f"`{first}` and `{key}` exclude each other"
        yield Problem(path, "exclusive-keys", message, "leave one of them out", on_key=True)
    elif KINDS.index(first) < KINDS.index(key):  # the schema finds each pair from both sides
        message = f"`{first}` and `{key}` exclude each other: a schedule is of one kind"
        yield Problem(path, "kind-twice", message, "leave one of them out", on_key=True)


def _name(path: Path, value: Any) -> Problem:
    here, key = (*path, str(value)), str(value)
    if path[-1] == "environments":
        return Problem(here, "name-length", "the name of an environment has 1 to 100 characters", on_key=True)
    if key.startswith("celery."):
        message = f"names that begin with `celery.` are beat's own: {key!r}"
        return Problem(here, "name-reserved", message, "such rows are made by celery beat", on_key=True)
    if not key or len(key) > 200:  # noqa: PLR2004  the column
        return Problem(here, "name-length", "a name has 1 to 200 characters", on_key=True)
    what = "is more than one line" if "\n" in key.strip() else "begins or ends with white space"
    return Problem(here, "name-space", f"the name {key!r} {what}", on_key=True)


def _repeated(path: Path, items: list[Any]) -> Iterator[Problem]:
    for index, item in enumerate(items):
        if item in items[:index]:
            yield Problem((*path, index), "item-twice", f"{_shown(item)} is named twice", "name it once")


def _value(path: Path, error: Any) -> Problem:
    rule, wanted, value = error.validator, error.validator_value, error.instance
    if rule == "type":
        return _wrong_type(path, [wanted] if isinstance(wanted, str) else wanted, value, error.schema)
    if isinstance(value, Ambiguous):
        return ambiguous(path, value)
    shown = _shown_at(path, value)
    if rule in {"enum", "const"}:
        return _not_one_of(path, wanted if rule == "enum" else [wanted], value, shown)
    if rule in {"minimum", "maximum"}:
        return Problem(path, "out-of-range", f"{shown} is {'less' if rule == 'minimum' else 'more'} than {wanted}")
    if rule in {"minLength", "minItems", "minProperties"}:
        return Problem(path, "empty-value", "this may not be empty", _example(error.schema))
    if rule == "maxLength":
        return Problem(path, "too-long", f"this has {len(value)} characters, and the column holds {wanted}")
    if "sensitive" in path:
        return Problem(
            path, "sensitive-path", f"{shown} is no path", "it begins with args, kwargs or headers: kwargs.token"
        )
    return Problem(path, "task-name", f"{shown} is no task name: it holds white space", _example(error.schema))


def _wrong_type(path: Path, wanted: list[str], value: Any, schema: Any) -> Problem:
    kinds = [kind for kind in wanted if kind != "null"]
    is_free_text = kinds == ["string"] and not _FREE_TEXT.isdisjoint(map(str, path[-2:]))
    if isinstance(value, Ambiguous) and "string" in kinds:
        hint = None if is_free_text or "crontab" in path[-2:-1] else _example(schema)
        return ambiguous(path, value, wanted_text=True, hint=hint)
    *most, last = [_TYPES[kind] for kind in kinds]
    words = f"{', '.join(most)} or {last}" if most else last
    return Problem(
        path,
        "wrong-type",
        f"{_shown_at(path, value)} is not {words}",
        _mend(path, kinds, value, is_free_text=is_free_text) or _example(schema),
    )


def _mend(path: Path, kinds: list[str], value: Any, *, is_free_text: bool) -> str | None:
    """Return how the value itself is written right, where that can be told."""
    if is_secret(path):
        return None
    if is_free_text and isinstance(value, (bool, int, float)):
        return f'quote it: "{json.dumps(value)}"'
    if path[-1] == "interval" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"write {value}s for seconds"
    if isinstance(value, str):
        text = value.strip().lower()
        is_plain = text in {"true", "false"} if kinds == ["boolean"] else text.isdecimal() and kinds == ["integer"]
        return f"write {text}, without quotes" if is_plain else None
    return None


def _example(schema: Any) -> str | None:
    """Return the schema's own first example: JSON is YAML as well."""
    examples = schema.get("examples")
    return f"for example {json.dumps(examples[0], ensure_ascii=False)}" if examples else None


def _not_one_of(path: Path, choices: Iterable[Any], value: Any, shown: str) -> Problem:
    from difflib import get_close_matches

    texts = [str(choice) for choice in choices]
    near = texts if len(texts) == 1 else get_close_matches(str(value), texts, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else f"it is one of {', '.join(texts)}"
    return Problem(path, "unknown-value", f"{shown} is not known here", hint)


def ambiguous(
    path: Path, value: Ambiguous, *, wanted_text: bool = False, hidden: bool = False, hint: str | None = None
) -> Problem:
    """Return the problem of a scalar that people and YAML read differently; `hidden` where nobody may see it."""
    if hidden or is_secret(path):
        return Problem(path, "yaml-ambiguous", "YAML takes this for something else than text", "quote it")
    if hint is None:
        hint = f'quote it: "{value.text}"'
        if value.truth is not None and not wanted_text:
            hint += f", or write {str(value.truth).lower()}"
    return Problem(path, "yaml-ambiguous", f"YAML takes `{value.text}` for something else than text", hint)


def _shown_at(path: Path, value: Any) -> str:
    if is_secret(path):
        return "the value"
    if path[-1] in _ARGUMENTS and isinstance(value, (str, Ambiguous)):
        return "a string"  # it may hold a secret under any name
    return _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, Ambiguous):
        return value.text
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004
