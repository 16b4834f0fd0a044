"""`manage.py beatsync COMMAND`: the same commands as `beatsync`, with the project's settings and databases."""

from __future__ import annotations

import sys
from argparse import REMAINDER
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from beatsync.cli import main
from beatsync.cli.wiring import project_zone

_NAME = "manage.py beatsync"


class Command(BaseCommand):
    """Passes its arguments to BeatSync's command line."""

    help = "Keep the PeriodicTask tables equal to a directory of YAML files."
    # A sync must be possible before the rest of the project passes its checks.
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the arguments after `manage.py beatsync`, and exit with their exit code."""
        # manage.py accepts these two flags anywhere on the line and has applied them already.
        applied_flags = CommandParser(add_help=False, allow_abbrev=False)
        applied_flags.add_argument("--settings")
        applied_flags.add_argument("--pythonpath")
        _, words = applied_flags.parse_known_args(argv[2:])
        sys.exit(_run(words))

    def print_help(self, prog_name: str, subcommand: str) -> None:  # noqa: ARG002  Django's signature
        """Print BeatSync's own help for `manage.py help beatsync`."""
        _run(["--help"])

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept any arguments, for `call_command`."""
        parser.add_argument("words", nargs=REMAINDER)

    def handle(self, *_: Any, **arguments: Any) -> None:
        """Run the arguments of `call_command`. Raises CommandError with the exit code if it is not 0."""
        stdout, stderr = arguments.get("stdout") or sys.stdout, arguments.get("stderr") or sys.stderr
        with redirect_stdout(stdout), redirect_stderr(stderr):
            code = _run(arguments["words"])
        if code:
            raise CommandError(f"beatsync ended with exit code {code}", returncode=code)


def _run(words: list[str]) -> int:
    zone = getattr(settings, "CELERY_TIMEZONE", None)
    project_zone.set(str(zone) if zone else None)
    # `{}`, unlike None, means that a project is loaded, even if the setting is missing.
    return main(words, name=_NAME, settings=getattr(settings, "BEATSYNC", None) or {})
