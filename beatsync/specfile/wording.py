"""The words of structural problems: what is wrong with a value that its rule does not allow, and the fix."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from beatsync.specfile import interval
from beatsync.specfile.every.clauses import RESERVED
from beatsync.specfile.fields import JSON_FIELDS
from beatsync.specfile.problems import Path, Problem, cut, nearest, suggestion
from beatsync.specfile.rules import Rule
from beatsync.specfile.scalars import Ambiguous
from beatsync.specfile.secrets import is_secret
from beatsync.specfile.templates import RENDER, is_template

_TYPES = {
    "string": "a string", "integer": "a whole number", "number": "a number", "boolean": "true or false",
    "array": "a list", "object": "a mapping",
}  # fmt: skip
_FREE_TEXT = frozenset(
    {"queue", "exchange", "routing_key", "description", "renamed_from", "only", "country", "subdivision"}
)
"""Keys that take any text, so that a number needs only quotes."""
_BOOLEANS = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}
_DURATION_HINTS = {
    "interval": "write {}s for seconds",
    "expires": "for a number of seconds, use the key expire_seconds: {}",
}
_EVERY = "use the key interval: `interval: 5m`; `every` maps windows to frequencies"
_WRITTEN_BY_BEAT = "only beat itself writes it"
_FOREIGN_KEYS = {
    "last_run_at": (_WRITTEN_BY_BEAT, None),
    "total_run_count": (_WRITTEN_BY_BEAT, None),
    "date_changed": (_WRITTEN_BY_BEAT, None),
    "name": ("the schedule's key is its name", None),
    "schedule": ("name its kind: interval, crontab, solar, clocked or every", "interval"),
    "options": ("write queue, priority, expires and so on directly in the schedule", None),
    **dict.fromkeys(("run_every", "seconds", "minutes", "hours"), ("use the key interval: `interval: 5m`", "interval")),
    "weekday": ("did you mean `day_of_week`?", "day_of_week"),
}
"""Keys of celery's `beat_schedule`, of the model or of other crons: the hint, and the key that replaces it."""
_MAX_SHOWN = 60
_MAX_DEFINITION_NAME = 100
_MIN_PREFIX = 3


def unknown_key(path: Path, keys: Mapping[str, Rule], *, is_root: bool) -> Problem:
    """Return the problem of a key that is not allowed at its place."""
    key = str(path[-1])
    hint, close = (None, None) if is_root else _misplaced_key(path, keys)
    if hint is None:
        close = _nearest_key(key, keys)
        hint = f"did you mean `{close}`?" if close else f"the keys here are {', '.join(sorted(keys))}"
        if is_root and close is None:
            hint = f"put schedules under `schedules:`; {hint}"
    return Problem(path, "unknown-key", f"there is no key `{key}` here", hint, on_key=True, related_key=close)


def _nearest_key(key: str, keys: Mapping[str, Rule]) -> str | None:
    near = nearest(key.lower(), keys)
    if near is None and len(key) >= _MIN_PREFIX:
        return next((name for name in keys if name.startswith(key.lower())), None)
    return near


def _misplaced_key(path: Path, keys: Mapping[str, Rule]) -> tuple[str | None, str | None]:
    """Return the hint and the replacement of a key that belongs elsewhere; None for both if it is only unknown."""
    key = str(path[-1])
    if path[-3:-2] in {("windows",), ("calendars",)}:
        return None, None
    if "period" in keys:
        unit = interval.unit(key)
        return unit and f"write it as text, as in `interval: 5{unit}`", None
    return _FOREIGN_KEYS.get(key) or (_hint_of_parent(key, keys), None)


def _hint_of_parent(key: str, keys: Mapping[str, Rule]) -> str | None:
    """Return the hint that a key belongs into the value of one of `keys`; None if it does not."""
    parent = next((name for name, rule in keys.items() if rule.keys is not None and key in rule.keys), None)
    return f"write it under `{parent}`: `{parent}: {{{key}: …}}`" if parent else None


def name_problem(path: Path, name: str) -> Problem:
    """Return the problem of the name of an environment or of a schedule."""
    if path[-2] == "environments":
        return Problem(path, "name-length", "the name of an environment has 1 to 100 characters", on_key=True)
    if path[-2] in {"windows", "calendars"}:
        return _definition_name(path, name)
    if name.startswith("celery."):
        message = f"names that begin with `celery.` are beat's own: {name!r}"
        return Problem(path, "name-reserved", message, "such rows are made by celery beat", on_key=True)
    if not name or len(name) > 200:  # noqa: PLR2004  the column
        return Problem(path, "name-length", "a name has 1 to 200 characters", on_key=True)
    what = "is more than one line" if "\n" in name.strip() else "begins or ends with white space"
    return Problem(path, "name-space", f"the name {name!r} {what}", on_key=True)


def _definition_name(path: Path, name: str) -> Problem:
    what = f"the name of a {str(path[-2])[:-1]}"
    if name in RESERVED:
        return Problem(path, "name-reserved", f"{what} cannot be `{name}`", "it has a meaning in `every`", on_key=True)
    if not name or len(name) > _MAX_DEFINITION_NAME:
        message = f"{what} has 1 to {_MAX_DEFINITION_NAME} characters"
        return Problem(path, "name-length", message, on_key=True)
    return Problem(path, "name-space", f"{what} begins or ends with white space, or is more than one line", on_key=True)


def empty(rule: Rule, path: Path) -> Problem:
    """Return the problem of an empty text, list or mapping."""
    return Problem(path, "empty-value", "this may not be empty", example(rule))


def scalar_problem(rule: Rule, path: Path, value: Any, fault: str) -> Problem:
    """Return the problem of a value that breaks the limit `fault` of its rule, the name of an attribute of `Rule`."""
    problem = _scalar_problem(rule, path, value, fault)
    return replace(problem, hint=RENDER) if isinstance(value, str) and is_template(value) else problem


def _scalar_problem(rule: Rule, path: Path, value: Any, fault: str) -> Problem:
    if fault == "types":
        return wrong_type(rule, path, value)
    if isinstance(value, Ambiguous):
        return ambiguous(path, value)
    if fault == "choices":
        texts = [str(choice) for choice in rule.choices]
        hint = suggestion(value, texts, f"it is one of {', '.join(texts)}", cutoff=0.6 if len(texts) > 1 else 0)
        return Problem(path, "unknown-value", f"{_shown_at(path, value)} is not known here", hint)
    if fault == "min_length":
        return empty(rule, path)
    if fault == "max_length":
        message = f"this has {len(value)} characters, and the column holds {rule.max_length}"
        return Problem(path, "too-long", message)
    text = _shown_at(path, value)
    if fault == "minimum":
        return Problem(path, "out-of-range", f"{text} is less than {rule.minimum}")
    if fault == "maximum":
        return Problem(path, "out-of-range", f"{text} is more than {rule.maximum}")
    if "sensitive" in path:
        hint = f"start it with {_listed(JSON_FIELDS)}, for example kwargs.token"
        return Problem(path, "sensitive-path", f"{text} is not a valid path", hint)
    return Problem(path, "task-name", f"{text} is not a task name: it contains white space", example(rule))


def wrong_type(rule: Rule, path: Path, value: Any) -> Problem:
    """Return the problem of a value whose type its rule does not allow."""
    names = tuple(name for name in rule.types if name != "null")
    is_free_text = names == ("string",) and not _FREE_TEXT.isdisjoint(map(str, path[-2:]))
    if isinstance(value, Ambiguous) and "string" in names:
        hint = None if is_free_text or "crontab" in path[-2:-1] else example(rule)
        return ambiguous(path, value, wanted_text=True, hint=hint)
    words = _listed([_TYPES[name] for name in names])
    is_every = path[-1] == "every" and names == ("object",)
    hint = _EVERY if is_every else _rewritten(path, names, value, is_free_text=is_free_text) or example(rule)
    return Problem(path, "wrong-type", f"{_shown_at(path, value)} is not {words}", hint)


def ambiguous(
    path: Path, value: Ambiguous, *, wanted_text: bool = False, hidden: bool = False, hint: str | None = None
) -> Problem:
    """Return the problem of a scalar that people and YAML read differently; `hidden` keeps it out of the message."""
    if hidden or is_secret(path):
        return Problem(path, "yaml-ambiguous", "YAML does not read this as text", "quote it")
    if len(value.text) > _MAX_SHOWN:
        return Problem(path, "yaml-ambiguous", f"the number `{shown(value)}` is too long to be exact", "quote it")
    if hint is None:
        hint = f'quote it: "{value.text}"'
        if value.truth is not None and not wanted_text:
            hint += f", or write {str(value.truth).lower()}"
    return Problem(path, "yaml-ambiguous", f"YAML does not read `{value.text}` as text", hint)


def _rewritten(path: Path, names: tuple[str, ...], value: Any, *, is_free_text: bool) -> str | None:
    """Return how to write the value itself correctly, if that is clear."""
    if is_secret(path):
        return None
    if is_free_text and isinstance(value, (bool, int, float)):
        return f'quote it: "{json.dumps(value)}"'
    if path[-1] == "schedules" and isinstance(value, list):
        return _as_mapping(value)
    if path[-1] in _DURATION_HINTS and isinstance(value, (int, float)) and not isinstance(value, bool):
        return _DURATION_HINTS[str(path[-1])].format(value)
    text = _without_quotes(value.strip().lower(), names) if isinstance(value, str) else None
    return f"write {text}, without quotes" if text else None


def _as_mapping(schedules: list[Any]) -> str:
    names = (item.get("name") for item in schedules if isinstance(item, dict))
    name = next((name for name in names if isinstance(name, str) and name), "nightly")
    return f"`schedules` is a mapping of names: write `{name}:` instead of `- name: {name}`"


def _without_quotes(text: str, names: tuple[str, ...]) -> str | None:
    """Return the boolean or whole number that a quoted text means; None if it means neither."""
    if names == ("boolean",):
        return _BOOLEANS.get(text)
    return text if names == ("integer",) and text.isdecimal() else None


def example(rule: Rule) -> str | None:
    """Return the example of a rule: JSON is YAML as well."""
    return None if rule.example is None else f"for example {json.dumps(rule.example, ensure_ascii=False)}"


def _listed(words: Sequence[str]) -> str:
    """Return `a`, `a or b`, `a, b or c`."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def _shown_at(path: Path, value: Any) -> str:
    if is_secret(path):
        return "the value"
    if path[-1] in JSON_FIELDS and isinstance(value, (str, Ambiguous)):
        return "a string"  # it may contain a secret under any name
    return shown(value)


def shown(value: Any) -> str:
    """Return a value as a message shows it."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = value.text if isinstance(value, Ambiguous) else json.dumps(value, ensure_ascii=False)
    return cut(text)
