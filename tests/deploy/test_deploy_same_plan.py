"""Every template of `deploy/`, run against the database that the project's `manage.py` has synced: nothing to do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.deploying import DEPLOY, ROOT
from tests.processes import run

SPEC = """schedules:
  local: {task: shop.tasks.nightly, crontab: "30 2 * * *"}
  once: {task: shop.tasks.once, clocked: "2099-01-05T03:00:00"}
  named: {task: shop.tasks.named, crontab: "0 4 * * *", timezone: Asia/Tokyo}
"""


def _environments(node: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every mapping of variables below a node of YAML that names the source."""
    if isinstance(node, list):
        named = {item["name"]: item.get("value") for item in node if isinstance(item, dict) and "name" in item}
        if "BEATSYNC_SOURCE" in named:
            yield named
    elif isinstance(node, dict) and "BEATSYNC_SOURCE" in node:
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _environments(child)


def _templates() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the name and the variables of each template: of every file that names a source."""
    for path in sorted(DEPLOY.rglob("*")):
        if not path.is_file() or not re.search(r"^[^#]*\bBEATSYNC_SOURCE\b", path.read_text(), re.MULTILINE):
            continue
        name = str(path.relative_to(DEPLOY))
        if path.suffix == ".env":
            yield name, dict(line.split("=", 1) for line in path.read_text().splitlines() if line[:1] != "#")
            continue
        found = [each for part in yaml.safe_load_all(path.read_text()) for each in _environments(part)]
        assert found, f"{name} names a source where this test does not look for variables"
        for number, variables in enumerate(found):
            values = {str(key): str(value) for key, value in variables.items() if value is not None}
            yield f"{name}{number or ''}", values


TEMPLATES = dict(_templates())


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a database that `manage.py beatsync sync` of the example project has synced."""
    folder = tmp_path_factory.mktemp("same")
    (folder / "schedules.d").mkdir()
    (folder / "schedules.d" / "shop.yaml").write_text(SPEC)
    manage = ROOT / "examples" / "shop" / "manage.py"
    settings = {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "shop.settings"}
    env = {**settings, "SHOP_DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}"}
    assert run(str(manage), "migrate", cwd=folder, env=env).returncode == 0
    done = run(str(manage), "beatsync", "sync", "--source", "shop", cwd=folder, env=env)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_kind_of_template_is_found() -> None:
    kinds = {name.partition("/")[0] for name in TEMPLATES}
    assert kinds == {"ci", "compose.yaml", "kubernetes", "systemd"}
    assert {variables["BEATSYNC_SOURCE"] for variables in TEMPLATES.values()} == {"shop"}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_has_nothing_to_do_after_the_project(
    synced: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in [variable for variable in os.environ if variable.startswith(("BEATSYNC_", "DJANGO_"))]:
        monkeypatch.delenv(variable)
    variables = {key: value for key, value in TEMPLATES[name].items() if key.startswith("BEATSYNC_")}
    env = {**variables, "PYTHONPATH": str(ROOT), "BEATSYNC_DATABASE_URL": f"sqlite:///{synced / 'db.sqlite3'}"}
    done = run("-m", "beatsync", "plan", "schedules.d", "--detailed-exitcode", cwd=synced, env=env)
    assert (done.returncode, done.stdout) == (0, "Nothing to do: 3 unchanged.\n"), done.stderr


def test_the_readme_names_the_source_of_the_templates() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "BEATSYNC_SOURCE=shop" in readme
    assert 'BEATSYNC = {"SOURCE": "shop"}' in readme
