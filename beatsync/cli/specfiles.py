"""The files that `export` and `import` write, and what they report about each schedule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from beatsync.cli import exits, options, output
from beatsync.convert import files
from beatsync.convert.remarks import Conversion
from beatsync.specfile.write import Entry
from beatsync.values import Severity

_NOTHING = "there is nothing to write"

layout = options.combine(
    options.option(
        "--split", type=click.Choice(files.SPLITS), default=files.SPLITS[0], show_default=True,
        help="Write one file, or one for each queue, or for each module of tasks.",
    ),
    options.option(
        "--out", metavar="DIR", type=click.Path(path_type=Path, file_okay=False),
        help="Write the files into this directory, which must not have them yet.  [default: standard output]",
    ),
    options.option(
        "--update", is_flag=True, help="With --out: add the schedules that its files lack, and change no line of them."
    ),
    options.option("--with-secrets", is_flag=True, help="Write secrets too, instead of a placeholder for each."),
)  # fmt: skip


def check(out: Path | None, *, update: bool) -> None:
    """Raise click.UsageError if the flags contradict each other."""
    if update and out is None:
        raise click.UsageError("--update needs --out")


def write(conversion: Conversion, split: str, out: Path | None, *, update: bool, with_secrets: bool) -> int:
    """Write the schedules of a conversion to files or to standard output, report the rest, and return the exit code.

    Raises click.ClickException if a file cannot be written.
    """
    if out is not None and update:
        try:
            conversion.leave_out(_declared_names(out))
        except _InvalidFilesError as error:
            output.print_error(str(error))
            return exits.INVALID
    if not with_secrets:
        conversion.hide_secrets()
    groups = files.split(conversion.entries, split)
    if not groups:
        output.print_hint(_NOTHING)
    elif out is None:
        output.print_result(files.one_text(files.texts(groups)).removesuffix("\n"))
    else:
        _write_files(groups, _updated(groups, out) if update else files.texts(groups), out, replaces=update)
        commands = ("validate", str(out)), ("plan", str(out), "--adopt")
        validate, plan = (output.command_line(*words) for words in commands)
        output.print_hint(f"read the files, then run `{validate}` and `{plan}`")
    return report(conversion)


def print_beat_schedule(conversion: Conversion, zone: str, *, with_secrets: bool) -> int:
    """Print the schedules of a conversion as a `beat_schedule` of an application in this zone, and return the exit code."""
    from beatsync.convert.python import beat_schedule_text

    if not with_secrets:
        conversion.hide_secrets()
    output.print_result(beat_schedule_text(conversion, zone))
    if not conversion.entries:
        output.print_hint(_NOTHING)
    return report(conversion)


def report(conversion: Conversion) -> int:
    """Print what was not written, and what a person has to do, to standard error; return the exit code."""
    for remark in conversion.left_out:
        output.print_hint(f"{remark.name!r} is left out: {remark.text}")
    for remark in conversion.notes:
        output.print_warning(f"{remark.name!r} {remark.text}")
    for remark in conversion.refused:
        output.print_error(f"{remark.name!r} is not written: {remark.text}")
    return exits.INCOMPLETE if conversion.refused else exits.DONE


class _InvalidFilesError(Exception):
    """A file that schedules would be added to, or one beside it, is invalid."""


def _declared_names(out: Path) -> frozenset[str]:
    """Return the names that the files of a directory declare in any environment. Raises _InvalidFilesError."""
    from beatsync import reconcile
    from beatsync.specfile.parse import ParseOptions, parse_file

    if not out.exists():
        return frozenset()
    snapshot, desired = reconcile.validate(out, ParseOptions())
    for diagnostic in desired.diagnostics:
        # What an earlier export could not write does not keep this one from its work.
        if diagnostic.severity is Severity.ERROR and diagnostic.code != "value-placeholder":
            validate = output.command_line("validate", str(out))
            raise _InvalidFilesError(
                f"{out / diagnostic.location.path} is invalid; nothing was written. Run `{validate}`"
            )
    facts = (parse_file(file, ParseOptions()).facts for file in snapshot.files)
    return frozenset(name for file in facts for name in file.row_names)


def _updated(groups: Mapping[str, Sequence[Entry]], out: Path) -> dict[str, str]:
    """Return the text of each file with its entries added. Raises click.ClickException if a file cannot be added to."""
    paths = [path for path in groups if (out / path).exists()]
    existing = {path: (out / path).read_bytes().decode() for path in paths}
    texts = files.updated(groups, existing)
    for path, text in texts.items():
        if text is None:
            raise click.ClickException(
                f"{out / path} cannot be added to without changing its lines; nothing was written. Use another directory"
            )
    return {path: text for path, text in texts.items() if text is not None}


def _write_files(groups: Mapping[str, Sequence[Entry]], texts: Mapping[str, str], out: Path, *, replaces: bool) -> None:
    """Write files into a directory, which may be new; without `replaces`, none of them may exist. Raises click.ClickException."""
    from beatsync.report.summary import counted

    existing = [path for path in texts if (out / path).exists()]
    if existing and not replaces:
        raise click.ClickException(
            f"{out / existing[0]} already exists; nothing was written. Name another directory, or use --update"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            # A file that appeared meanwhile, or a link that leads nowhere, is not written to.
            with (out / path).open("w" if path in existing else "x", encoding="utf-8", newline="") as file:
                file.write(text)
            verb = "updated" if path in existing else "created"
            output.print_result(f"{verb} {out / path} ({counted(len(groups[path]), 'schedule')})")
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}") from None
