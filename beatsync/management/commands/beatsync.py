"""`manage.py beatsync COMMAND`: the same words as the shell's `beatsync`, on the project's settings and databases."""

from __future__ import annotations

import sys
from argparse import REMAINDER
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from beatsync.cli import main

_NAME = "manage.py beatsync"


class Command(BaseCommand):
    """Hands its words over to BeatSync's own command line."""

    help = "Keep the PeriodicTask tables equal to a directory of YAML files."
    # The rows may be synced before the rest of the project is in order.
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the words behind `manage.py beatsync` and end with their exit code."""
        # manage.py takes these two from anywhere on the line and has followed them already.
        followed = CommandParser(add_help=False, allow_abbrev=False)
        followed.add_argument("--settings")
        followed.add_argument("--pythonpath")
        _, words = followed.parse_known_args(argv[2:])
        sys.exit(_run(words))

    def print_help(self, prog_name: str, subcommand: str) -> None:  # noqa: ARG002  Django's signature
        """Print BeatSync's own help for `manage.py help beatsync`."""
        _run(["--help"])

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whatever comes, for `call_command`."""
        parser.add_argument("words", nargs=REMAINDER)

    def handle(self, *_: Any, **given: Any) -> None:
        """Run the words given to `call_command`. Raises CommandError with the exit code where it is not 0."""
        with redirect_stdout(given.get("stdout") or sys.stdout), redirect_stderr(given.get("stderr") or sys.stderr):
            code = _run(given["words"])
        if code:
            raise CommandError(f"beatsync ended with exit code {code}", returncode=code)


def _run(words: list[str]) -> int:
    # Inside a project there always are settings, be they empty.
    return main(words, name=_NAME, settings=getattr(settings, "BEATSYNC", None) or {})
