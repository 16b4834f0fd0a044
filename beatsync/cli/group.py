"""The group of all commands, and the only place that turns an error into a message and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, cast

import click
from click.core import ParameterSource

from beatsync import __version__
from beatsync.cli import exits, output

COMMANDS = {
    "validate": "Check spec files. Needs no database.",
    "fmt": "Write spec files in the canonical layout.",
    "plan": "Show what a sync would change.",
    "sync": "Apply the spec files to the database once.",
    "run": "Keep the database in sync with the files, until SIGTERM.",
    "status": "Show each source: revision, last outcome, drift, paused rows.",
    "next": "Show the next runs of schedules. Needs no database.",
    "load": "Show how runs lie over hours and days, and how to spread them. Needs no database.",
    "show": "Show everything about one schedule: file, drift, pause, runs, changes.",
    "history": "Show past syncs and what they changed, newest first.",
    "report": "Write all pages of the dashboard to one HTML file.",
    "pause": "Switch schedules off for a while, with a reason.",
    "unpause": "End the pause of schedules.",
    "export": "Write spec files from the rows of the database.",
    "import": "Write spec files from a celery application's beat_schedule.",
    "release": "Stop managing rows and leave them unchanged.",
    "rename-source": "Give a source another name.",
    "suspend": "Refuse syncs of a source for a while.",
    "resume": "Allow syncs of a suspended source again.",
    "schema": "Print a published JSON Schema.",
    "init": "Create a directory with a first spec file.",
    "migrate": "Create or update BeatSync's own tables.",
}
"""The module of each command has the command's name, with `_` for `-`. The help texts are repeated here so that listing them imports no module."""


class LazyGroup(click.Group):
    """Imports a command's module when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the names of the commands in the order of a first use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return a command; None if there is no command of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"beatsync.cli.{cmd_name.replace('-', '_')}")
        return cast("click.Command", module.command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the named command. Raises click.UsageError with the nearest name if there is no such command."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from beatsync.specfile.problems import nearest

            near = nearest(args[0], COMMANDS)
            hint = f"Did you mean {near!r}?" if near else f"Available commands: {', '.join(COMMANDS)}."
            ctx.fail(f"No such command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every flag has an environment variable: for --max-deletes it is BEATSYNC_MAX_DELETES, for DIR it is BEATSYNC_DIR.",
)
@click.version_option(__version__, prog_name="beatsync", message="%(prog)s %(version)s")
def group() -> None:
    """Keep the PeriodicTask tables of django-celery-beat equal to a directory of YAML files."""


def main(arguments: Sequence[str] | None = None, *, name: str = "beatsync", settings: Any = None) -> int:
    """Run a command line and return its exit code.

    `settings` is the `BEATSYNC` setting of a Django project that is already loaded; None if no project is loaded.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    output.program.set(name)
    try:
        code = group.main(words, name, standalone_mode=False, obj=settings)
    except click.UsageError as error:
        error.show()
        if hint := _usage_hint(error):
            output.print_hint(hint)
        return exits.USAGE
    except click.ClickException as error:
        output.print_error(error.format_message())
        return exits.FAILED
    except click.Abort:
        output.print_error("interrupted; changes that were not committed are rolled back")
        return exits.INTERRUPTED
    except Exception as error:
        expected = exits.describe_error(error)
        if expected is None:
            raise
        message, code = expected
        output.print_error(message)
        return code
    return code if isinstance(code, int) else exits.DONE


def _usage_hint(error: click.UsageError) -> str | None:
    """Return what click's own message lacks: the variable that the value came from, or our name for a common flag."""
    if isinstance(error, click.NoSuchOption) and error.option_name == "--dry-run":
        return "use `beatsync plan`: it shows what a sync would change and writes nothing"
    param, ctx = getattr(error, "param", None), error.ctx
    if param is None or ctx is None or ctx.get_parameter_source(param.name) is not ParameterSource.ENVIRONMENT:
        return None
    variables = [param.envvar] if isinstance(param.envvar, str) else param.envvar
    return f"the value comes from the environment variable {next(name for name in variables if os.environ.get(name))}"
