"""`beatsync validate`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from beatsync import __version__
from beatsync.cli import exits, options, output, wiring
from beatsync.cli.progress import show_progress
from beatsync.report.values import ValidationResult
from beatsync.values import Severity


@click.command("validate")
@options.directory()
@options.parsing
@options.output_format("text", "json", "github", "sarif", "junit")
@options.verbosity
def command(output_format: str, verbose: bool, is_quiet: bool, **flags: Any) -> int:
    """Check all spec files of DIR, or one file, and explain every error.

    Needs neither a database nor Django. Exits with 3 if a file is invalid.
    """
    from beatsync import reconcile
    from beatsync.report.places import with_directory
    from beatsync.source.git import path_in_repository

    cli_options = wiring.with_project_settings(options.CliOptions(**flags))
    path = wiring.source_directory(cli_options)
    with show_progress(verbose=verbose, enabled=not is_quiet) as progress:
        parsing = wiring.parse_options(cli_options, wiring.project_zone.get())
        snapshot, desired = reconcile.validate(path, parsing, progress=progress, strict=bool(cli_options.strict))
    # The paths of the result are relative to the working directory; GitHub needs them relative to the repository's root.
    directory = wiring.directory_of(path)
    if output_format in ("github", "sarif"):
        directory = path_in_repository(directory)
    files = [str(directory / file.path) for file in snapshot.files]
    diagnostics = with_directory(desired.diagnostics, str(directory))
    schedules = {declared.group or declared.spec.name for declared in desired.schedules}
    result = ValidationResult(files, len(schedules), diagnostics, desired.acknowledged)
    if output_format != "text" or result.diagnostics or not is_quiet:
        output.print_result(_render(result, output_format, is_quiet=is_quiet))
    return exits.INVALID if result.count(Severity.ERROR) else exits.DONE


def _render(result: ValidationResult, output_format: str, *, is_quiet: bool) -> str:
    from beatsync.report import github, jsonout, junit, sarif, text

    renderers: dict[str, Callable[[ValidationResult], str]] = {
        "json": jsonout.render_validation,
        "github": github.render_validation,
        "sarif": lambda result: sarif.render_validation(result, __version__),
        "junit": junit.render_validation,
        "text": lambda result: text.render_validation(result, output.painter(sys.stdout), is_quiet=is_quiet),
    }
    return renderers[output_format](result)
