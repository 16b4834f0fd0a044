"""Recognises a template that was not rendered: ERB, Helm, Jinja, `${NAME}` and `$(NAME)`."""

from __future__ import annotations

import re

from beatsync.specfile.problems import SpecError

_MAX_SHOWN = 60
_MAX_SEARCHED = 4096
_TEMPLATE = re.compile(
    r"<%.{0,200}?%>|\{\{.{0,200}?\}\}|\{%.{0,200}?%\}|\$\{[^}]{1,200}\}|\$\([^)]{1,200}\)", re.DOTALL
)
_DIRECTIVE = re.compile(r"^[ \t]*(?:- +)?(?:<%|\{\{|\{%)", re.MULTILINE)
RENDER = "this is a template that was not rendered: render it first, and give BeatSync the result"
"""The hint."""


def is_template(text: str) -> bool:
    """Return whether a text contains the placeholder of a template."""
    return _TEMPLATE.search(text, 0, _MAX_SEARCHED) is not None


def unrendered(text: str) -> SpecError:
    """Return the error for a value that is such a text."""
    shown = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
    return SpecError("template-unrendered", f"{shown!r} contains the placeholder of a template", RENDER)


def is_template_line(line: str) -> bool:
    """Return whether a line of a file begins with the directive of a template, or contains a placeholder."""
    return _DIRECTIVE.match(line) is not None or is_template(line)


def has_directives(text: str) -> bool:
    """Return whether a line of a file begins with the directive of a template."""
    return _DIRECTIVE.search(text) is not None
