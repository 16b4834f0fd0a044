"""What a database driver raises → `StoreError`, by class and code, with a message that holds no password and no row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, IntegrityError, InterfaceError

from beatsync.store.dialects import Dialect
from beatsync.store.errors import RetryableError, StoreError


@contextmanager
def readable_errors(db: Dialect) -> Iterator[None]:
    """Turn what the driver raises into `StoreError` or `RetryableError`."""
    try:
        yield
    except IntegrityError as error:
        # Another process wrote after we read: a new plan sees its row and says what to do.
        raise RetryableError(f"{db.describe()}: {message_of(db, error)}") from error
    except (DatabaseError, InterfaceError) as error:
        kind = RetryableError if db.is_retryable(error) else StoreError
        raise kind(f"{db.describe()}: {db.explain_error(error) or message_of(db, error)}") from error
    except ImproperlyConfigured as error:
        raise StoreError(_masked(db, str(error))) from error


def message_of(db: Dialect, error: BaseException) -> str:
    """Return the driver's message on one line, without the password and without the content of a row."""
    cause = error.__cause__ or error
    # PostgreSQL quotes the row, arguments included, in the lines after the first: DETAIL and CONTEXT.
    text = getattr(getattr(cause, "diag", None), "message_primary", None)
    if text is None:
        text = str(cause.args[-1]) if cause.args else type(cause).__name__
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return _masked(db, "; ".join(lines) or type(cause).__name__)


def _masked(db: Dialect, text: str) -> str:
    password = str(db.connection.settings_dict.get("PASSWORD") or "")
    return text.replace(password, "***") if password else text
