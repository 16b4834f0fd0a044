"""`beatsync validate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from beatsync import __version__
from beatsync.cli import exits, options, output, wiring
from beatsync.report.values import ValidationResult


@click.command("validate")
@options.directory()
@options.parsing
@options.jobs
@options.output_format("text", "json", "github", "sarif", "junit")
@options.talking
@click.pass_obj
def command(project: Any, /, *, output_format: str, verbose: bool, quiet: bool, **given: Any) -> int:
    """Read all spec files of DIR, or one file, check them and explain what is wrong.

    Needs neither a database nor Django. Exits with 3 where a file is invalid.
    """
    checked = _check(wiring.Given(**given), wiring.Project.read(project), verbose=verbose, quiet=quiet)
    invalid = any(one.severity.value == "error" for one in checked.diagnostics)
    if output_format != "text" or checked.diagnostics or not quiet:
        output.answer(_report(checked, output_format))
    return exits.INVALID if invalid else exits.DONE


def _check(given: wiring.Given, project: wiring.Project, *, verbose: bool, quiet: bool) -> ValidationResult:
    from beatsync.reconcile import parse
    from beatsync.report.places import with_directory
    from beatsync.source import load, load_file

    path = wiring.directory(given, project)
    is_file = path.is_file()
    with output.watching(verbose=verbose, quiet=quiet) as watch:
        snapshot = load_file(path) if is_file else load(path)
        desired = parse(snapshot, wiring.parse_options(given, project), watch, given.jobs)
    parent = path.parent if is_file else path
    return ValidationResult(
        [str(Path(parent, file.path)) for file in snapshot.files],
        len(desired.schedules),
        with_directory(desired.diagnostics, str(parent)),
    )


def _report(checked: ValidationResult, output_format: str) -> str:
    from beatsync.report import github, jsonout, junit, sarif, text

    if output_format == "json":
        return jsonout.render_validation(checked)
    if output_format == "github":
        return github.render_validation(checked)
    if output_format == "sarif":
        return sarif.render_validation(checked, __version__)
    if output_format == "junit":
        return junit.render_validation(checked)
    return text.render_validation(checked, output.painter(sys.stdout))
