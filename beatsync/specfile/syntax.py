"""What PyYAML says of a text that is no YAML → what is wrong, where it begins, and the mend."""

from __future__ import annotations

import re

import yaml

from beatsync.specfile.plainreader import Mark
from beatsync.specfile.problems import Problem
from beatsync.specfile.reading import TOO_DEEP

_CONFLICT = re.compile(r"^(?:<{7} |>{7} |={7}$)", re.MULTILINE)


def syntax(error: yaml.MarkedYAMLError, text: str) -> Problem:
    """Say what is wrong and where it begins; both of PyYAML's loaders word it, and each in its own way."""
    message = " ".join(part for part in (error.context, error.problem) if part)
    if "maximum nesting" in message:
        # From PyYAML 6.0.4 on its scanner, which is ahead of the events, has a limit of its own.
        return Problem((), "yaml-depth", TOO_DEEP, mark=_place(error.problem_mark))
    left = _CONFLICT.search(text)
    if left is not None:
        mark = behind(text[: left.start()])
        return Problem((), "yaml-syntax", "a merge conflict of git is left in the file", "resolve it", mark=mark)
    place, begun = _place(error.problem_mark or error.context_mark), _place(error.context_mark)
    lines = text.splitlines()
    # What was opened and never closed is noticed far below, or at the file's end.
    if error.context_mark and (place[0] > len(lines) or "end of stream" in message):
        place = begun
    elif "flow" in message and begun[0] != place[0]:
        message += f"; it begins at {begun[0]}:{begun[1]}"
    if place[0] > len(lines):
        place = (len(lines), len(lines[-1]) + 1)
    line = lines[place[0] - 1]
    here = line[place[1] - 1 : place[1]]
    hint = None
    if "alias" in message and "*" in line:
        hint = 'a value that begins with * has to be quoted: "* * * * *"'
    elif "\t" in line[: place[1]]:
        hint = "YAML is indented with spaces, never with tabs"
    elif "cannot start any token" in message:
        hint = f"a value that begins with {here} has to be quoted" + (': "@daily"' if here == "@" else "")
    elif "mapping values are not allowed" in message:
        hint = "a text with a colon and a space in it has to be quoted"
    return Problem((), "yaml-syntax", f"this is not YAML: {message}", hint, mark=place)


def behind(before: str) -> Mark:
    """Return the place of what stands behind a text, its lines counted as YAML and excerpts count them: a lone CR ends one."""
    lines = f"{before}.".splitlines()
    return (len(lines), len(lines[-1]))


def _place(mark: yaml.Mark | None) -> Mark:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)
