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
    return Diagnostic(Severity.ERROR, code, message, _location(path))


def file_not_read(path: str) -> Diagnostic:
    """Return the warning about a file that looks like a spec file and is not one by its suffix."""
    message = "the file looks like a spec file and is not read: its name does not end in .yaml or .yml"
    hint = "rename it, move it out of the directory, or begin its name with an underscore"
    return Diagnostic(Severity.WARNING, "file-not-read", message, _location(path), hint)


def _location(path: str) -> Location:
    return Location(path.encode(errors="replace").decode())
