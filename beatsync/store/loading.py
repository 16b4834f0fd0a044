"""Imports of a project's code: its settings and its celery application."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path

from beatsync.store.errors import StoreError


@contextmanager
def importing(what: str) -> Iterator[None]:
    """Run the body, which imports a project's code, as `manage.py` and celery do: with the working directory on the path.

    What the code prints goes to standard error, because standard output is the result of the command. Whatever it raises is raised
    as StoreError, whose message begins with `what`.
    """
    from django.core.exceptions import ImproperlyConfigured

    directory = str(Path.cwd())
    if directory not in sys.path:
        sys.path.insert(0, directory)
    try:
        with _standard_output_redirected():
            yield
    except (ImportError, ImproperlyConfigured) as error:
        raise StoreError(f"{what} cannot be loaded: {error}") from error
    except (Exception, SystemExit) as error:
        # Settings are a program and may raise anything: a variable that is not set is a KeyError. Some end the process.
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{place.filename}, line {place.lineno}"
        raise StoreError(f"{what} cannot be loaded: {type(error).__name__}: {error} ({where})") from error


@contextmanager
def _standard_output_redirected() -> Iterator[None]:
    """Redirect standard output to standard error: Python's stream, which log handlers keep, and the file descriptor of C code."""
    stream, copy = sys.stdout, None
    stream.flush()
    with suppress(OSError):  # a process may have been started without one of the two
        copy = os.dup(1)
        os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        stream.flush()  # what `sys.__stdout__` was given
        if copy is not None:
            os.dup2(copy, 1)
            os.close(copy)
