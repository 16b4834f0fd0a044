"""`manage.py beatsync COMMAND`: the same words as the shell's `beatsync`, on the project's settings and databases."""

from __future__ import annotations

import sys
from argparse import REMAINDER
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from beatsync.cli import main


class Command(BaseCommand):
    """Hands its words over to BeatSync's own command line."""

    help = "Keep the PeriodicTask tables equal to a directory of YAML files; see `manage.py beatsync --help`."
    # The rows may be synced before the rest of the project is in order.
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the words behind `manage.py beatsync` and end with their exit code."""
        sys.exit(main(argv[2:], name="manage.py beatsync", settings=_settings()))

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whatever comes, for `call_command`."""
        parser.add_argument("words", nargs=REMAINDER)

    def handle(self, *_: Any, **given: Any) -> None:
        """Run the words given to `call_command`. Raises CommandError with the exit code where it is not 0."""
        code = main(given["words"], name="manage.py beatsync", settings=_settings())
        if code:
            raise CommandError(f"beatsync ended with exit code {code}", returncode=code)


def _settings() -> Any:
    return getattr(settings, "BEATSYNC", None) or {}
