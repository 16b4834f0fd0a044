"""Why a source's directory could not be read as a whole."""

from __future__ import annotations


class SourceError(Exception):
    """The directory cannot be read; nothing may be concluded from it."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class Moved(Exception):  # noqa: N818  it is no error yet: the read is begun anew
    """The directory changed while it was read."""
