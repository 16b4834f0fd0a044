"""The group of all commands, and the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, cast

import click
from click.core import ParameterSource

from beatsync import __version__
from beatsync.cli import exits
from beatsync.cli.output import complain, note

COMMANDS = {
    "validate": "Read and check spec files; needs no database.",
    "plan": "Show what a sync would do.",
    "sync": "Make the database say what the files say, once.",
    "run": "Keep the database equal to the files, until SIGTERM.",
    "status": "Show each source: revision, outcome, drift, paused rows.",
    "release": "Give rows out of BeatSync's hands, as they are.",
    "suspend": "Leave a source's rows alone for a while.",
    "resume": "Let syncs of a suspended source go on.",
    "schema": "Print a published JSON Schema.",
    "init": "Lay out a new directory of spec files.",
    "migrate": "Make or update BeatSync's own tables.",
}
"""Each command stands in the module of its name; its help here is that of its docstring, so that listing them is cheap."""


class LazyGroup(click.Group):
    """Imports a command's module when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the commands in the order in which they are met."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"beatsync.cli.{cmd_name}")
        return cast("click.Command", module.command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was named, and offer the nearest where there is none of that name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"The commands are {', '.join(COMMANDS)}."
            ctx.fail(f"There is no command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every flag has an environment variable: --max-deletes is BEATSYNC_MAX_DELETES. DIR is BEATSYNC_DIR.",
)
@click.version_option(__version__, prog_name="beatsync", message="%(prog)s %(version)s")
def group() -> None:
    """Keep the PeriodicTask tables of django-celery-beat equal to a directory of YAML files."""


def main(arguments: Sequence[str] | None = None, *, name: str = "beatsync", settings: Any = None) -> int:
    """Run a command line and return its exit code; `settings` is a Django project's `BEATSYNC`, where it is loaded already."""
    try:
        code = group.main(
            list(sys.argv[1:] if arguments is None else arguments),
            prog_name=name,
            standalone_mode=False,
            obj=settings,
        )
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return exits.USAGE
    except click.UsageError as error:
        error.show()
        if hint := _hint(error):
            note(hint, "hint")
        return exits.USAGE
    except click.ClickException as error:
        complain(error.format_message())
        return exits.FAILED
    except click.Abort:
        complain("interrupted; what was not committed is undone")
        return exits.INTERRUPTED
    except Exception as error:
        known = exits.explain(error)
        if known is None:
            raise
        message, code = known
        complain(message)
        return code
    return code if isinstance(code, int) else exits.DONE


def _hint(error: click.UsageError) -> str | None:
    """Return what click does not know: which variable a value came from, and what a flag of other tools is called here."""
    if isinstance(error, click.NoSuchOption) and error.option_name == "--dry-run":
        return "`beatsync plan` shows what a sync would do, and does nothing"
    param, ctx = getattr(error, "param", None), error.ctx
    if param is None or ctx is None or ctx.get_parameter_source(param.name) is not ParameterSource.ENVIRONMENT:
        return None
    variables = [param.envvar] if isinstance(param.envvar, str) else param.envvar
    return f"the value comes from the environment variable {next(name for name in variables if os.environ.get(name))}"
