"""Colour as an argument: reports name the kind of a piece of text, and the caller decides how that kind looks."""

from __future__ import annotations

from collections.abc import Callable

Paint = Callable[[str, str], str]
"""Takes a text and its kind (a key of the caller's palette), and returns the text as it is to be printed."""


def plain(text: str, _: str) -> str:
    """Return the text without colour."""
    return text
