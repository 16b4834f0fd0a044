"""The bytes of a file → text that YAML allows, and PyYAML's syntax errors → problems."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Sequence

import yaml

from beatsync.specfile.problems import Mark, Problem
from beatsync.specfile.templates import RENDER, has_directives, is_template_line

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 60
TOO_DEEP = f"this is nested more than {MAX_DEPTH} levels deep"
_CONFLICT = re.compile(r"^(?:<{7} |>{7} |={7}$)", re.MULTILINE)


class InvalidYamlError(Exception):
    """The rest of the file cannot be read."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def decode(data: bytes) -> str:
    """Return the text of a file. Raises InvalidYamlError if it is too large, not UTF-8, or holds a control character."""
    if len(data) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB"
        raise InvalidYamlError(Problem((), "yaml-size", message, "split it", mark=(1, 1)))
    try:
        # The codec `utf-8-sig` is ten times slower.
        text = data.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        # The error counts from the text behind a byte order mark.
        mark = position_after(error.object[: error.start].decode())
        message = "the file is not UTF-8 text"
        raise InvalidYamlError(Problem((), "yaml-encoding", message, "save it as UTF-8", mark=mark)) from None
    strange = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if strange is not None:
        message = f"the character U+{ord(strange[0]):04X} is not allowed in YAML"
        raise InvalidYamlError(Problem((), "yaml-character", message, mark=position_after(text[: strange.start()])))
    return text


def syntax_problem(error: yaml.MarkedYAMLError, text: str) -> Problem:
    """Return the problem of a text that is not YAML. PyYAML's two loaders word their errors differently; both are covered."""
    message = " ".join(part for part in (error.context, error.problem) if part)
    if "maximum nesting" in message:
        # Since PyYAML 6.0.4 the scanner, which is ahead of the events, limits the depth too.
        return Problem((), "yaml-depth", TOO_DEEP, mark=position(error.problem_mark))
    conflict = _CONFLICT.search(text)
    if conflict is not None:
        mark = position_after(text[: conflict.start()])
        return Problem((), "yaml-syntax", "the file contains a git merge conflict", "resolve it", mark=mark)
    lines = text.splitlines()
    mark, start = _begin(error, message, lines), position(error.context_mark)
    if "flow" in message and start[0] < mark[0]:
        message += f"; it begins at {start[0]}:{start[1]}"
    line = lines[mark[0] - 1]
    is_template = has_directives(text) or is_template_line(line)
    hint = RENDER if is_template else _hint(message, line, line[: mark[1]])
    # PyYAML's words add nothing to a hint.
    return Problem((), "yaml-syntax", "this is not YAML" if hint else f"this is not YAML: {message}", hint, mark=mark)


def _begin(error: yaml.MarkedYAMLError, message: str, lines: Sequence[str]) -> Mark:
    """Return where a syntax error begins, inside the text."""
    mark = position(error.problem_mark or error.context_mark)
    # PyYAML notices an unclosed bracket or quote far below it, or at the end of the file.
    if error.context_mark and (mark[0] > len(lines) or "end of stream" in message):
        mark = position(error.context_mark)
    return mark if mark[0] <= len(lines) else (len(lines), len(lines[-1]) + 1)


def _hint(message: str, line: str, before: str) -> str | None:
    """Return the fix of a syntax error; `before` is its line up to the character at which it begins."""
    if "alias" in message and "*" in line:
        return 'a value that begins with * has to be quoted: "* * * * *"'
    if "\t" in before:
        return "YAML is indented with spaces, never with tabs"
    if "cannot start any token" in message:
        return f"a value that begins with {before[-1:]} has to be quoted" + (': "@daily"' if before[-1:] == "@" else "")
    if "mapping values are not allowed" in message:
        return "a text with a colon and a space in it has to be quoted"
    return None


def position_after(text: str) -> Mark:
    """Return the position that follows a text. Lines are counted as YAML and excerpts count them: a lone CR ends one."""
    lines = f"{text}.".splitlines()
    return (len(lines), len(lines[-1]))


def position(mark: yaml.Mark | None) -> Mark:
    """Return PyYAML's mark, which counts from 0, as line and column; without a mark, the beginning."""
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)
