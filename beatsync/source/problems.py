"""Why the directory of a source could not be read."""

from __future__ import annotations

from beatsync.values import Diagnostic, Location, Severity


class SourceError(Exception):
    """The directory cannot be read, so nothing is known about its files."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class ChangedWhileReading(Exception):  # noqa: N818  not an error: the read starts again
    """The directory changed while it was read."""


def unreadable(path: object, error: Exception) -> SourceError:
    """Return the error for a path that the operating system refused to read."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return SourceError("source-unreadable", f"{path} cannot be read: {reason}")


def file_error(code: str, path: str, message: str) -> Diagnostic:
    """Return the diagnostic for one file, even if its name is not valid UTF-8."""
    return Diagnostic(Severity.ERROR, code, message, Location(path.encode(errors="replace").decode()))
