"""The Dockerfiles, lock files, Compose file, systemd unit and CI examples, checked by their linters and against BeatSync."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.deploying import DEPLOY, ROOT, check, parse

COMPOSE = DEPLOY / "compose.yaml"
UNIT = DEPLOY / "systemd" / "beatsync.service"
EXTRAS = ("postgres", "mysql", "solar", "calendars")
MOST_EXPOSED = 20
"""The threshold of `systemd-analyze security`, in tenths: 2.0 of 10."""


@pytest.mark.parametrize("name", ["Dockerfile", "shop.Dockerfile"])
def test_hadolint_accepts_a_dockerfile(name: str) -> None:
    check("hadolint", "--failure-threshold=style", DEPLOY / name)


def test_dockerignore_includes_every_copied_file() -> None:
    included = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for name in ("Dockerfile", "shop.Dockerfile"):
        for line in (DEPLOY / name).read_text().splitlines():
            words = line.split()
            if words[:1] == ["COPY"] and not words[1].startswith("--from"):
                missing = [word for word in words[1:-1] if word not in included]
                assert not missing, f"{name}: .dockerignore excludes {missing}"
    assert all((ROOT / name).exists() for name in included)


def test_the_image_has_the_version_of_the_package() -> None:
    from beatsync import __version__

    assert f"ARG VERSION={__version__}\n" in (DEPLOY / "Dockerfile").read_text()
    pinned = ("kubernetes/git-sync", "kubernetes/configmap", "kubernetes/job", "kubernetes/sidecar")
    for folder in pinned:
        images = yaml.safe_load((DEPLOY / folder / "kustomization.yaml").read_text())["images"]
        assert {"name": "beatsync", "newTag": __version__} in images, folder
    for name in ("github", "gitlab"):
        assert __version__ in (DEPLOY / "ci" / f"{name}.yaml").read_text()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-build.txt", "requirements-shop.txt"])
def test_a_lock_file_pins_versions_and_hashes(name: str) -> None:
    for block in re.split(r"\n(?=\S)", (DEPLOY / name).read_text().strip()):
        assert re.match(r"[a-z0-9-]+==[\w.]+( ; [^\\]+)? \\\n    --hash=sha256:", block), block


def test_the_lock_file_satisfies_the_requirements_of_the_package() -> None:
    from importlib.metadata import requires

    from packaging.requirements import Requirement

    locked = dict(re.findall(r"(?m)^([a-z0-9-]+)==([\w.]+)", (DEPLOY / "requirements.txt").read_text()))
    requirements = [Requirement(text) for text in requires("beatsync") or []]
    shipped = [
        requirement
        for requirement in requirements
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": name}) for name in EXTRAS)
    ]
    assert {"django", "psycopg", "pymysql", "ephem", "holidays", "icalendar"} <= {
        requirement.name for requirement in shipped
    }
    for requirement in shipped:
        version = locked.get(requirement.name.lower())
        assert version, f"{requirement.name} is not locked; deploy/requirements.in shows how"
        assert requirement.specifier.contains(version), f"{requirement} is locked at {version}"


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return document


def test_compose_is_valid() -> None:
    check("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)
    services, volumes = compose()["services"], compose()["volumes"]
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= services.keys(), name
        for other, condition in service.get("depends_on", {}).items():
            if condition["condition"] == "service_healthy":
                assert "healthcheck" in services[other]
        if "build" in service:
            context = DEPLOY / service["build"]["context"]
            assert (context / service["build"]["dockerfile"]).is_file()
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in volumes or (DEPLOY / source).is_dir(), volume


def test_compose_restricts_the_sidecar_and_gives_it_time_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    from beatsync.cli.options import validate_zone

    service = compose()["services"]["beatsync"]
    assert (service["read_only"], service["cap_drop"], service["security_opt"]) == (
        True,
        ["ALL"],
        ["no-new-privileges:true"],
    )
    params = parse(service["command"], service["environment"] | image_variables(), monkeypatch)
    assert int(service["stop_grace_period"].removesuffix("s")) > params["grace"] + 5
    assert validate_zone(params["timezone"]) == params["timezone"]
    assert params["listen"] == ("0.0.0.0", int(service["ports"][0].split(":")[-1]))
    (mount,) = service["volumes"]
    assert params["directories"] == (mount.split(":")[1],)


def image_variables() -> dict[str, str]:
    """Return the BEATSYNC_ variables that the image sets."""
    return dict(re.findall(r"(BEATSYNC_\w+)=(\S+)", (DEPLOY / "Dockerfile").read_text()))


def test_the_default_command_of_the_image_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    (words,) = re.findall(r'(?m)^CMD \["(.+)"\]$', text)
    params = parse(words.split('", "'), image_variables(), monkeypatch)
    assert params["listen"] == ("0.0.0.0", int(re.findall(r"(?m)^EXPOSE (\d+)$", text)[0]))


def test_the_example_project_reads_its_database_from_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    import runpy

    environment = compose()["services"]["beat"]["environment"]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = runpy.run_path(str(ROOT / "examples" / "shop" / "shop" / "settings.py"))
    assert settings["DATABASES"]["default"]["ENGINE"] == "django.db.backends.postgresql"
    assert settings["DATABASES"]["default"]["HOST"] == "postgres"
    assert settings["CELERY_BROKER_URL"] == environment["SHOP_BROKER"]
    assert settings["CELERY_TIMEZONE"] == compose()["services"]["beatsync"]["environment"]["BEATSYNC_TIMEZONE"]


def test_systemd_accepts_the_unit_and_rates_it_hardened(tmp_path: Path) -> None:
    # The path of the program is replaced by that of this environment.
    program = Path(sys.executable).parent / "beatsync"
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/beatsync/bin/beatsync", str(program)))
    check("systemd-analyze", "verify", "--man=no", unit)
    check("systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={MOST_EXPOSED}", unit)


def test_the_unit_gives_the_daemon_time_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    from beatsync.cli.options import parse_duration

    text = UNIT.read_text()
    settings = dict(re.findall(r"(?m)^(\w+)=(.*)$", text))
    program, *words = shlex.split(settings["ExecStart"])
    assert program.endswith("/beatsync")
    environment = dict(re.findall(r"(?m)^(BEATSYNC_\w+)=(.*)$", (UNIT.with_name("beatsync.env")).read_text()))
    params = parse(words, environment, monkeypatch)
    assert settings["Type"] == "notify"
    stop = parse_duration(settings["TimeoutStopSec"])
    assert stop > params["grace"] + 5
    assert "BEATSYNC_DATABASE_URL" in environment


def test_ci_examples_are_valid() -> None:
    check("check-jsonschema", "--builtin-schema", "vendor.github-workflows", DEPLOY / "ci" / "github.yaml")
    check("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", DEPLOY / "ci" / "gitlab.yaml")
    check("zizmor", "--offline", "--no-progress", DEPLOY / "ci" / "github.yaml")


def script_lines(name: str) -> Iterator[str]:
    """Yield the commands of a CI example."""
    document = yaml.safe_load((DEPLOY / "ci" / name).read_text())
    for job in [
        *document.get("jobs", {}).values(),
        *(part for part in document.values() if isinstance(part, dict)),
    ]:
        for step in job.get("steps", []):
            yield from step.get("run", "").splitlines()
        for part in ("script", "after_script"):
            yield from job.get(part, [])


@pytest.mark.parametrize("name", ["github.yaml", "gitlab.yaml"])
def test_the_commands_of_ci_examples_are_valid(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = [shlex.split(line.partition(">")[0]) for line in script_lines(name) if line.startswith("beatsync ")]
    assert {words[1] for words in commands} == {"validate", "plan"}
    variables = dict.fromkeys(re.findall(r"BEATSYNC_\w+", (DEPLOY / "ci" / name).read_text()), "x")
    for words in commands:
        parse(words[1:], variables, monkeypatch)
