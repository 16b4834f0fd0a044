"""The image is built and run as non-root, with a read-only root file system and no capabilities, beside a writer container."""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Server
from tests.deploy.containers import Container, Engine, engine, inspected
from tests.processes import until
from tests.store import granting
from tests.store.granting import Account

pytestmark = [pytest.mark.lab, pytest.mark.timeout(500)]
ONE_BY_ONE, AT_ONCE = 8, 40
GRACE = 25


def test_the_image_runs_as_restricted_as_in_the_manifests(server: Callable[[str], Server], tmp_path: Path) -> None:
    """A single test with several parts, so that the image is built once however tests are spread over processes."""
    with engine() as built, granting.account(server("postgresql").create()) as account:
        check_image(built)
        check_migrate(built, server("postgresql").create())
        for kind, below in (("git-sync", "current/schedules.d"), ("configmap", "")):
            check_sidecar(built, account, tmp_path / kind, kind, below)


def check_image(built: Engine) -> None:
    image = inspected(built)
    assert image["Config"]["User"] == "65532:65532"
    assert image["Config"]["Entrypoint"] == ["beatsync"]
    labels = image["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == "BeatSync"
    assert built.run("--version") == f"beatsync {labels['org.opencontainers.image.version']}"
    # Everything is compiled already, and the build tools are not in the image.
    script = (
        "import importlib.util as i, json, pathlib, sysconfig\n"
        "lib = pathlib.Path(sysconfig.get_path('purelib'))\n"
        "bare = [str(p) for p in lib.rglob('*.py') if not pathlib.Path(i.cache_from_source(str(p))).exists()]\n"
        "print(json.dumps([bare, [n for n in ('pip', 'setuptools', 'hatchling') if (lib / n).exists()]]))"
    )
    assert json.loads(built.run("-c", script, flags=["--entrypoint=python"])) == [[], []]
    wanted = ("psycopg", "pymysql", "ephem")
    built.run("-c", f"import {', '.join(wanted)}", flags=["--entrypoint=python"])


def check_migrate(built: Engine, url: str) -> None:
    environment = [f"--env=BEATSYNC_DATABASE_URL={url}"]
    assert "applied beatsync.0001_initial" in built.run("migrate", "--with-beat", flags=environment)
    assert "nothing to do" in built.run("migrate", flags=environment)


def check_sidecar(built: Engine, account: Account, root: Path, kind: str, below: str) -> None:
    """Run a sidecar as the database user of `deploy/sql`, beside a container that swaps revisions."""
    root.mkdir()
    root.chmod(0o777)
    port = free_port()
    environment = [
        f"--env=BEATSYNC_DATABASE_URL={account.url}",
        f"--env=BEATSYNC_LISTEN=127.0.0.1:{port}",
        f"--env=BEATSYNC_SOURCE={kind}",
    ]
    script = Path(__file__).with_name("writer.py")
    writing = ["--entrypoint=python", f"--volume={root}:/mount", f"--volume={script}:/writer.py:ro"]
    words = ("run", f"/mount/{below}", "--log-format=json", f"--grace={GRACE}s")
    with (
        built.container(*words, flags=[*environment, f"--volume={root}:/mount:ro"]) as sidecar,
        built.container("/writer.py", kind, "/mount", flags=writing) as writer,
    ):
        until(lambda: is_ok(port, "/-/healthy"), what=lambda: sidecar.log)
        follow(root, account, kind, lambda: sidecar.log + writer.log)
        assert is_ok(port, "/-/ready")
        # The command of the init container that delays beat.
        assert kind in built.run("status", "--wait=60s", flags=environment)
        assert_restricted(sidecar)
        kind_of_check, *healthy = inspected(built)["Healthcheck"]["Test"]
        assert kind_of_check == "CMD"
        assert sidecar.inside(*healthy).returncode == 0
        started = time.monotonic()
        assert sidecar.stop(GRACE + 10) == 0, sidecar.log
        assert time.monotonic() - started < GRACE
        assert "stopping" in sidecar.log


def follow(root: Path, account: Account, kind: str, logs: Callable[[], str]) -> None:
    """Request revisions from the writer, first one by one, then many at once; every read of the rows must see a single revision."""
    durations = []
    for revision in range(1, ONE_BY_ONE + 1):
        started = time.monotonic()
        ask(root, revision)
        until(partial(are_of, account, kind, revision), what=logs)
        durations.append(time.monotonic() - started)
    last, seen = ONE_BY_ONE + AT_ONCE, set()
    ask(root, last)

    def is_last() -> bool:
        rows_found = rows(account, kind)
        assert len(rows_found) == 1, f"rows of two revisions: {rows_found}"
        seen.update(rows_found)
        return are_of(account, kind, last)

    until(is_last, what=logs)
    if kind == "git-sync":
        commit = f"SELECT revision_git FROM beatsync_source WHERE name = '{kind}'"
        until(lambda: account.sql(commit) == [(f"{last:040x}",)], what=lambda: account.sql(commit))
    print(
        f"{kind}: {min(durations):.2f} to {max(durations):.2f} s from the request to the rows; {len(seen)} of {AT_ONCE} concurrent revisions seen"
    )


def assert_restricted(container: Container) -> None:
    status = dict(
        line.split(":", 1) for line in container.inside("cat", "/proc/1/status").stdout.splitlines() if ":" in line
    )
    assert status["Uid"].split() == ["65532"] * 4
    assert status["Gid"].split() == ["65532"] * 4
    assert {int(status[f"Cap{kind}"], 16) for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {0}
    assert int(status["NoNewPrivs"]) == 1
    for place in ("/", "/tmp", "/opt/beatsync", "/mount"):
        tried = container.inside("touch", f"{place}/x")
        assert "Read-only file system" in tried.stderr, (place, tried)
    print(
        f"resident {int(status['VmRSS'].split()[0]) // 1024} MiB, at most {int(status['VmHWM'].split()[0]) // 1024} MiB"
    )


def rows(account: Account, source: str) -> set[str]:
    """Return the revisions of the rows of a source."""
    rows_found = account.sql(
        "SELECT t.args FROM django_celery_beat_periodictask t JOIN beatsync_inventoryentry e ON e.row_id = t.id"
        f" JOIN beatsync_source s ON s.id = e.source_id WHERE s.name = '{source}'"
    )
    return {args for (args,) in rows_found}


def are_of(account: Account, source: str, revision: int) -> bool:
    """Return whether all rows of a source are of a revision."""
    return {json.loads(args)[0] for args in rows(account, source)} == {revision}


def ask(root: Path, revision: int) -> None:
    (root / ".requested.new").write_text(str(revision))
    (root / ".requested.new").replace(root / ".requested")


def is_ok(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
