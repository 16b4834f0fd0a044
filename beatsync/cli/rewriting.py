"""Replaces the content of spec files that exist."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import click


def rewrite(path: Path, before: bytes, after: bytes) -> None:
    """Replace the content of a file at once, so that no reader sees half of it; its mode and symlinks stay.

    Raises click.ClickException if it cannot be written, or no longer has the content `before`.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.read_bytes() != before:
            raise click.ClickException(f"{path} changed meanwhile, and was not written; run the command again")
        with NamedTemporaryFile(dir=target.parent, prefix=".beatsync-", delete=False) as file:
            file.write(after)
        try:
            shutil.copymode(target, file.name)
            os.replace(file.name, target)  # noqa: PTH105
        except OSError:
            with suppress(OSError):
                Path(file.name).unlink()
            raise
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from None
