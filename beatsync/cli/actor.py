"""Who runs a command, for the history: `--actor`, the user and the run of a CI system, or `USER@HOST`."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from beatsync.values import Actor


class _System(NamedTuple):
    """The variables of one CI system. A value is the first of its names that is set."""

    marker: str
    """Set in every run of this system, and in no run of one that comes later in `_SYSTEMS`."""
    users: tuple[str, ...]
    url: str
    """A template; empty values of its variables make the URL empty."""


_SYSTEMS = (
    # Gitea Actions sets the variables of GitHub Actions too; its pages have the number of the run in place of its id.
    _System(
        "GITEA_ACTIONS",
        ("GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"),
        "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_NUMBER}",
    ),
    _System(
        "GITHUB_ACTIONS",
        ("GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"),
        "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
    ),
    _System("GITLAB_CI", ("GITLAB_USER_LOGIN",), "{CI_JOB_URL}"),
    _System("BUILDKITE", ("BUILDKITE_UNBLOCKER", "BUILDKITE_BUILD_CREATOR"), "{BUILDKITE_BUILD_URL}"),
    _System("CIRCLECI", ("CIRCLE_USERNAME",), "{CIRCLE_BUILD_URL}"),
    _System("JENKINS_URL", ("BUILD_USER_ID", "BUILD_USER", "CHANGE_AUTHOR"), "{BUILD_URL}"),
)


def find_actor(chosen: str | None, environ: Mapping[str, str]) -> Actor:
    """Return who runs this command; `chosen` is the value of `--actor`. The run of a CI system counts in any case."""
    system = next((each for each in _SYSTEMS if environ.get(each.marker)), None)
    if system is None:
        return Actor(chosen or current_user())
    user = next(filter(None, (environ.get(name) for name in system.users)), None)
    return Actor(chosen or user or current_user(), _url(system.url, environ))


def _url(template: str, environ: Mapping[str, str]) -> str:
    """Return the URL of a run; empty if a variable is missing, or if the result is no URL that a browser opens."""
    try:
        url = template.format_map({name: value for name, value in environ.items() if value})
    except KeyError:
        return ""
    return url if url.startswith(("https://", "http://")) else ""


def current_user() -> str:
    """Return `USER@HOST`."""
    name = str(os.getuid()) if hasattr(os, "getuid") else "?"
    # A container's user may have a number and no name.
    with suppress(KeyError, OSError, ImportError):
        name = getpass.getuser()
    return f"{name}@{socket.gethostname()}"
