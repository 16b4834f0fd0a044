"""`beatsync run`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beatsync.cli import exits, options, wiring
from beatsync.cli.databases import Embedded

if TYPE_CHECKING:
    from collections.abc import Callable

    from beatsync.daemon.http import PageRequest, PageResponse
    from beatsync.daemon.loop import Timing
    from beatsync.daemon.supervisor import Supervisor
    from beatsync.store import Store

LISTEN = "127.0.0.1:9808"
LOCK_TIMEOUT = 10.0
"""Seconds that the daemon waits for another process's sync before it counts a failure and retries. It is shorter than the default
of --grace, so that a shutdown does not wait for the lock."""


def _parse_address(_: click.Context, __: click.Parameter, value: str) -> tuple[str, int] | None:
    """Return the host and the port of `HOST:PORT`; None for `none`. Raises click.BadParameter."""
    if value == "none":
        return None
    host, _colon, port = value.rpartition(":")
    if not (port.isascii() and port.isdecimal()) or int(port) > 65535:  # noqa: PLR2004
        raise click.BadParameter(f"{value!r} is not HOST:PORT; write {LISTEN}, 0.0.0.0:9808, [::]:9808 or none")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104  `:9808` means every address, as in other servers


class _ArgumentType(click.types.StringParamType):
    """Text whose environment variable holds a single value, even if it contains spaces."""

    def split_envvar_value(self, rv: str) -> list[str]:
        return [rv]


@click.command("run")
@click.argument("directories", metavar="[[NAME=]DIR]...", nargs=-1, type=_ArgumentType(), envvar="BEATSYNC_DIR")
@options.planning
@options.option(
    "--resync", metavar="DURATION", default="60s", show_default=True, callback=options.duration,
    help="How often files and rows are compared even if no change was noticed.",
)  # fmt: skip
@options.option("--poll", is_flag=True, help="Do not use file events; check the files every two seconds.")
@options.option(
    "--listen", metavar="HOST:PORT", default=LISTEN, show_default=True, callback=_parse_address,
    help="Address that serves /-/healthy, /-/ready, /status, /metrics and POST /-/sync; `none` serves nothing.",
)  # fmt: skip
@options.option(
    "--token", metavar="TOKEN", help="Token that POST /-/sync and the dashboard require; set it with BEATSYNC_TOKEN."
)
@options.option(
    "--dashboard", is_flag=True,
    help="Also serve pages for people at /; an address that is not loopback requires --token.",
)  # fmt: skip
@options.option(
    "--dashboard-host", "dashboard_hosts", metavar="NAME", multiple=True,
    help="Another host name in the URL of the dashboard; may be repeated.  [default: localhost and this machine's name]",
)  # fmt: skip
@options.source_url
@options.option(
    "--grace", metavar="DURATION", default="25s", show_default=True, callback=options.duration,
    help="How long a running sync may take to finish after SIGTERM.",
)  # fmt: skip
@options.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Format of the logs."
)
@options.option("-v", "--verbose", is_flag=True, help="Log every comparison, even if nothing changed.")
def command(
    *,
    directories: tuple[str, ...],
    resync: float,
    poll: bool,
    listen: tuple[str, int] | None,
    token: str | None,
    dashboard: bool,
    dashboard_hosts: tuple[str, ...],
    grace: float,
    log_format: str,
    verbose: bool,
    **flags: Any,
) -> int:
    """Keep the database equal to the files of DIR, until SIGTERM.

    One process can sync several sources, each with a NAME: `beatsync run shop=/specs/shop billing=/specs/billing`.
    """
    from beatsync.daemon import logs
    from beatsync.daemon.loop import Timing
    from beatsync.store.connect import set_timeouts

    if resync < 1:
        raise click.UsageError("--resync must be at least 1s")
    if flags["source"] and any("=" in argument for argument in directories):
        raise click.UsageError("--source and NAME=DIR name the source twice: use only one of the two")
    if dashboard:
        _check_dashboard(listen, token)
    logs.set_up(log_format, verbose=verbose)
    with wiring.open_store(
        options.CliOptions(**flags), check_tables=False, with_application=True, embedded=Embedded.REFUSE
    ) as (store, cli_options):
        set_timeouts(store.alias)
        sources = wiring.source_directories(directories, cli_options)
        supervisor = _create_supervisor(sources, cli_options, store, Timing(resync, watch=not poll), grace)
        if listen is not None:
            pages = _pages(store, cli_options, token, {listen[0], *dashboard_hosts}) if dashboard else None
            _listen(supervisor, *listen, token, pages)
        return exits.DONE if supervisor.run() else exits.FAILED


def _create_supervisor(
    sources: dict[str, Path],
    cli_options: options.CliOptions,
    store: Store,
    timing: Timing,
    grace: float,
) -> Supervisor:
    """Return the supervisor of one loop per source; `grace` is in seconds."""
    from beatsync.daemon.loop import SourceLoop
    from beatsync.daemon.metrics import Metrics
    from beatsync.daemon.source_reader import SourceReader
    from beatsync.daemon.supervisor import Supervisor

    metrics, loops = Metrics(), []
    for name, root in sources.items():
        sync_options = wiring.sync_options(replace(cli_options, source=name), store, lock_timeout=LOCK_TIMEOUT)
        loops.append(SourceLoop(SourceReader(root), store, sync_options, timing, metrics))
    return Supervisor(loops, store, wiring.lock_holder(), metrics, grace)


def _check_dashboard(listen: tuple[str, int] | None, token: str | None) -> None:
    """Raise click.UsageError if the dashboard cannot be served, or if it could be read without a token from another machine."""
    from beatsync.web.dashboard.listener import is_loopback

    if listen is None:
        raise click.UsageError("--dashboard needs an address: it cannot be used with --listen none")
    if token is None and not is_loopback(listen[0]):
        raise click.UsageError(
            f"--dashboard on {listen[0]}:{listen[1]} needs --token (BEATSYNC_TOKEN), because the address is not loopback"
        )


def _pages(
    store: Store, cli_options: options.CliOptions, token: str | None, hosts: set[str]
) -> Callable[[PageRequest], PageResponse]:
    from beatsync.web.dashboard.listener import Listener
    from beatsync.web.dashboard.pages import Dashboard

    return Listener(Dashboard(store, cli_options.source_url, cli_options.timezone), token, hosts)


def _listen(
    supervisor: Supervisor,
    host: str,
    port: int,
    token: str | None,
    pages: Callable[[PageRequest], PageResponse] | None,
) -> None:
    """Serve the daemon's endpoints. Raises click.ClickException if the address cannot be used."""
    try:
        supervisor.listen(host, port, token, pages)
    except OSError as error:
        raise click.ClickException(
            f"cannot listen on {host}:{port}: {error.strerror or error}; choose another address with --listen,"
            " or --listen none"
        ) from None
