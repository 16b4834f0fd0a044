"""New schedules for a file: whether a file can declare a schedule, and the text of a file with schedules added.

What was written is parsed again, so the parser alone decides what a file can declare.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import yaml

from beatsync.specfile.fields import JSON_FIELDS
from beatsync.specfile.indentation import STEP
from beatsync.specfile.nodes import Node, documents
from beatsync.specfile.parse import ParsedFile, ParseOptions, parse_file
from beatsync.specfile.write import Defaults, Entry, document, schedule_lines
from beatsync.values import FIELDS, Severity, SourceFile, TaskSpec

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_DEFAULT_KEYS = frozenset(Defaults._fields)


def fault(entry: Entry) -> str | None:
    """Return why no file can declare exactly this schedule; None if one can."""
    if entry.spec.schedule is None:
        return "it has no schedule that can be read, or more than one"
    for name in JSON_FIELDS:
        if not _is_json(getattr(entry.spec, name)):
            return f"its {name} are not JSON"
        if surrogate := _LONE_SURROGATE.search(_readable_json(getattr(entry.spec, name))):
            return f"its {name} hold half a surrogate pair, U+{ord(surrogate[0]):04X}, which is not a character"
    parsed = _parse(document([entry], Defaults()))
    error = next((each for each in parsed.diagnostics if each.severity is Severity.ERROR), None)
    if error is not None:
        return f"{error.message} (in `{error.excerpt.strip()}`)" if error.excerpt else error.message
    return _difference(entry, parsed.schedules[0].spec)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _readable_json(text: str) -> str:
    """Return JSON with its characters instead of escapes; two halves of a surrogate pair are one character."""
    return json.dumps(json.loads(text), ensure_ascii=False)


def _parse(text: str) -> ParsedFile:
    return parse_file(SourceFile("schedules.yaml", text.encode(errors="surrogatepass")), ParseOptions())


def _difference(entry: Entry, declared: TaskSpec) -> str | None:
    """Return what a file says differently; None if it says the same."""
    row, file = entry.spec._replace(enabled=declared.enabled).fields(), declared.fields()
    names = [name for name in FIELDS if row.get(name) != file.get(name)]
    if not names:
        return None
    if names[0] in JSON_FIELDS:
        return f"its {names[0]} hold a value that YAML cannot"
    return f"its {names[0]} is {row.get(names[0])}, which celery does not run; a file would say {file.get(names[0])}"


def with_schedules(text: str, entries: Sequence[Entry]) -> str | None:
    """Return the text of a file with entries added and every line of it unchanged; None if that is impossible.

    The entries are added to the schedules of the last document, or as a new document.
    """
    before = _parse(text)
    newline = "\r\n" if "\r\n" in text else "\n"
    for added in (_in_last_document(text, entries, newline), _as_document(text, entries, newline)):
        if added is not None and _adds(before, _parse(added), entries):
            return added
    return None


def _adds(before: ParsedFile, after: ParsedFile, entries: Sequence[Entry]) -> bool:
    """Return whether `after` declares what `before` does, and the entries."""
    added = {entry.spec.name: (entry.spec, entry.policy) for entry in entries}
    return after.values() == before.values() | added


def _as_document(text: str, entries: Sequence[Entry], newline: str) -> str:
    added = document(entries)
    if text.strip():
        added = f"---\n{added}"
    return _ended(text, newline) + added.replace("\n", newline)


def _ended(text: str, newline: str) -> str:
    return text if not text or text.endswith("\n") else text + newline


def _in_last_document(text: str, entries: Sequence[Entry], newline: str) -> str | None:
    """Return the text with the entries after the last schedule of the last document; None if that has no block for them."""
    root = _last_document(text)
    pair = None if root is None or root.style else root.get("schedules")
    column = _column_of_names(pair)
    if root is None or pair is None or column is None:
        return None
    own_defaults = root.get("defaults")
    defaults = _plain_defaults(own_defaults and own_defaults[1])
    if defaults is None:
        return None
    lines = _ended(text, newline).splitlines(keepends=True)
    following = root.pairs[root.pairs.index(pair) + 1 :]
    end = following[0][0].line - 1 if following else len(lines)
    while _belongs_below(lines[end - 1], column):
        end -= 1
    added = [line + newline for line in schedule_lines(entries, defaults, column)]
    return "".join([*lines[:end], *added, *lines[end:]])


def _column_of_names(section: tuple[Node, Node] | None) -> int | None:
    """Return the column, from 0, in which the names of a section of schedules begin; None if it is no block."""
    if section is None:
        return None
    key, value = section
    if value.kind == "scalar" and not value.value and not value.style:
        return key.column - 1 + STEP  # as `init` writes it
    return value.pairs[0][0].column - 1 if value.pairs and not value.style else None


def _last_document(text: str) -> Node | None:
    try:
        return next(reversed(documents(text)), None)
    except (yaml.YAMLError, ValueError):
        return None


def _plain_defaults(node: Node | None) -> Defaults | None:
    """Return the defaults of a document; None if they hold more than a writer of entries takes into account."""
    if node is None or (node.kind == "scalar" and not node.value):
        return Defaults()
    if node.kind != "mapping":
        return None
    values = {key.value: value.value for key, value in node.pairs if value.kind == "scalar"}
    return Defaults(**values) if len(values) == len(node.pairs) and values.keys() <= _DEFAULT_KEYS else None


def _belongs_below(line: str, column: int) -> bool:
    """Return whether a line is blank, or a comment on what follows the schedules, whose names begin in `column`."""
    content = line.strip()
    return not content or (content.startswith("#") and len(line) - len(line.lstrip()) < column)
