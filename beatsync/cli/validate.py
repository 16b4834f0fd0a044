"""`beatsync validate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from beatsync import __version__
from beatsync.cli import exits, options, output, wiring
from beatsync.cli.progress import show_progress
from beatsync.cli.settings import ProjectSettings
from beatsync.report import diagnostics


@click.command("validate")
@options.directory()
@options.parsing
@options.output_format("text", "json", "github", "sarif", "junit")
@options.verbosity
@click.pass_obj
def command(settings: Any, /, *, output_format: str, verbose: bool, is_quiet: bool, **flags: Any) -> int:
    """Check all spec files of DIR, or one file, and explain every error.

    Needs neither a database nor Django. Exits with 3 if a file is invalid.
    """
    cli_options, project = options.CliOptions(**flags), ProjectSettings.read(settings)
    checked = _check(cli_options, project, verbose=verbose, is_quiet=is_quiet)
    invalid = any(diagnostic.severity.value == "error" for diagnostic in checked.diagnostics)
    if output_format != "text" or checked.diagnostics or not is_quiet:
        output.print_result(_render(checked, output_format))
    return exits.INVALID if invalid else exits.DONE


def _check(
    cli_options: options.CliOptions, project: ProjectSettings, *, verbose: bool, is_quiet: bool
) -> diagnostics.Checked:
    """Parse the files; the paths of the result are relative to the working directory."""
    from beatsync.reconcile import parse
    from beatsync.report.places import located
    from beatsync.source import load, load_file

    path = wiring.source_directory(cli_options, project)
    is_file = path.is_file()
    with show_progress(verbose=verbose, enabled=not is_quiet) as progress:
        snapshot = load_file(path) if is_file else load(path)
        desired = parse(snapshot, wiring.parse_options(cli_options, project), progress)
    parent = path.parent if is_file else path
    return diagnostics.Checked(
        len(snapshot.files),
        len(desired.schedules),
        located(desired.diagnostics, str(parent)),
        [str(Path(parent, file.path)) for file in snapshot.files],
    )


def _render(checked: diagnostics.Checked, output_format: str) -> str:
    if output_format == "json":
        return diagnostics.json_report(checked)
    if output_format == "github":
        return diagnostics.github_report(checked)
    if output_format == "sarif":
        return diagnostics.sarif_report(checked, __version__)
    if output_format == "junit":
        return diagnostics.junit_report(checked)
    return diagnostics.text_report(checked, output.painter(sys.stdout))
