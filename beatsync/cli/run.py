"""`beatsync run`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beatsync.cli import exits, options, wiring

if TYPE_CHECKING:
    from beatsync.daemon.supervisor import Supervisor

LISTEN = "127.0.0.1:9808"
LOCK_WAIT = 10.0
"""Seconds that the daemon waits for a sync of somebody else's before it counts as a failure and is tried again; within the time
of grace, so that nobody who asks for the end has to wait for that."""


def _address(_: click.Context, __: click.Parameter, value: str) -> tuple[str, int] | None:
    if value == "none":
        return None
    host, _colon, port = value.rpartition(":")
    if not port.isdigit() or int(port) > 65535:  # noqa: PLR2004
        raise click.BadParameter(f"{value!r} is not HOST:PORT; for example {LISTEN}, 0.0.0.0:9808, [::]:9808 or none")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104  `:9808` means every address, as elsewhere


class _Whole(click.types.StringParamType):
    """A text that is one where a variable says it, whatever spaces are in it."""

    def split_envvar_value(self, rv: str) -> list[str]:
        return [rv]


@click.command("run")
@click.argument("directories", metavar="[[NAME=]DIR]...", nargs=-1, type=_Whole(), envvar="BEATSYNC_DIR")
@options.source
@options.parsing
@options.database
@options.planning
@options.option(
    "--resync", metavar="DURATION", default="60s", show_default=True, callback=options.duration,
    help="How often files and rows are compared whether or not anything seems to have changed.",
)  # fmt: skip
@options.option("--poll", is_flag=True, help="Do not listen to file events; look every two seconds.")
@options.option(
    "--listen", metavar="HOST:PORT", default=LISTEN, show_default=True, callback=_address,
    help="Where /-/healthy, /-/ready, /status, /metrics and POST /-/sync are answered; `none` is nowhere.",
)  # fmt: skip
@options.option("--token", metavar="TOKEN", help="Bearer token that POST /-/sync asks for; better in BEATSYNC_TOKEN.")
@options.option(
    "--grace", metavar="DURATION", default="25s", show_default=True, callback=options.duration,
    help="How long a sync that is under way may take to end after SIGTERM.",
)  # fmt: skip
@options.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How logs are written."
)
@options.option("-v", "--verbose", is_flag=True, help="Log every look, also where nothing changed.")
@click.pass_obj
def command(
    settings: Any,
    /,
    *,
    directories: tuple[str, ...],
    resync: float,
    poll: bool,
    listen: tuple[str, int] | None,
    token: str | None,
    grace: float,
    log_format: str,
    verbose: bool,
    **given: Any,
) -> int:
    """Keep the database equal to the files of DIR, until SIGTERM.

    Several sources in one process each have their NAME: `beatsync run shop=/specs/shop billing=/specs/billing`.
    """
    from beatsync.daemon import logs
    from beatsync.daemon.loop import Timing
    from beatsync.store.connect import set_timeouts

    if resync < 1:
        raise click.UsageError("--resync is at least 1s")
    asked = wiring.Given(**given)
    logs.set_up(log_format, verbose=verbose)
    with wiring.opened(asked, settings, check=False) as (store, project):
        set_timeouts(store.alias)
        supervisor = _supervisor(
            wiring.sources(directories, asked, project), asked, project, store, Timing(resync, watch=not poll), grace
        )
        if listen is not None:
            try:
                supervisor.listen(*listen, token)
            except OSError as error:
                where = f"{listen[0]}:{listen[1]}"
                raise click.ClickException(
                    f"cannot listen on {where}: {error.strerror or error}; choose another address with --listen, or none"
                ) from None
        return exits.DONE if supervisor.run() else exits.FAILED


def _supervisor(
    sources: dict[str, Path], asked: wiring.Given, project: Any, store: Any, timing: Any, grace: float
) -> Supervisor:
    from beatsync.daemon.loop import SourceLoop
    from beatsync.daemon.metrics import Metrics
    from beatsync.daemon.source_reader import SourceReader
    from beatsync.daemon.supervisor import Supervisor

    metrics, loops = Metrics(), []
    for name, root in sources.items():
        told = wiring.sync_options(replace(asked, source=name), project, store, lock_wait=LOCK_WAIT)
        loops.append(SourceLoop(SourceReader(root, told.parse), store, told, timing, metrics))
    return Supervisor(loops, store, wiring.holder(), metrics, grace)
