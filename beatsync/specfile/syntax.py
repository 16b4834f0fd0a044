"""PyYAML's syntax errors → problems: what is wrong, where it begins, and the fix."""

from __future__ import annotations

import re

import yaml

from beatsync.specfile.problems import Mark, Problem

MAX_DEPTH = 60
TOO_DEEP = f"this is nested more than {MAX_DEPTH} levels deep"
_CONFLICT = re.compile(r"^(?:<{7} |>{7} |={7}$)", re.MULTILINE)


def syntax_problem(error: yaml.MarkedYAMLError, text: str) -> Problem:
    """Return the problem of a text that is not YAML. PyYAML's two loaders word their errors differently; both are covered."""
    message = " ".join(part for part in (error.context, error.problem) if part)
    if "maximum nesting" in message:
        # From PyYAML 6.0.4 on its scanner, which is ahead of the events, has a limit of its own.
        return Problem((), "yaml-depth", TOO_DEEP, mark=_position(error.problem_mark))
    conflict = _CONFLICT.search(text)
    if conflict is not None:
        mark = position_after(text[: conflict.start()])
        return Problem((), "yaml-syntax", "a merge conflict of git is left in the file", "resolve it", mark=mark)
    place, start = _position(error.problem_mark or error.context_mark), _position(error.context_mark)
    lines = text.splitlines()
    # PyYAML notices an unclosed bracket or quote far below it, or at the end of the file.
    if error.context_mark and (place[0] > len(lines) or "end of stream" in message):
        place = start
    elif "flow" in message and start[0] != place[0]:
        message += f"; it begins at {start[0]}:{start[1]}"
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


def position_after(text: str) -> Mark:
    """Return the position that follows a text. Lines are counted as YAML and excerpts count them: a lone CR ends one."""
    lines = f"{text}.".splitlines()
    return (len(lines), len(lines[-1]))


def _position(mark: yaml.Mark | None) -> Mark:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)
