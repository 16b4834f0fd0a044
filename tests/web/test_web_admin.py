"""The Django admin with BeatSync: the stock one in detail, and a walk through each package that changes it.

Which apps are installed cannot change in a process, so each runs in one of its own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.processes import run
from tests.web.site import SKINS

ROOT = Path(__file__).parents[2]


def passes(path: Path, skin: str, module: str) -> None:
    """Run the tests of a module in a project with this package."""
    env = {
        "DJANGO_SETTINGS_MODULE": "tests.web.site",
        "BEATSYNC_TEST_SKIN": skin,
        "BEATSYNC_TEST_SITE": str(path / "site.sqlite3"),
    }
    plain = ("-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:randomly", "-W", "default")
    done = run("-m", "pytest", "-q", *plain, f"tests/web/{module}.py", cwd=ROOT, env=env)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stock_admin(tmp_path: Path) -> None:
    passes(tmp_path, "", "details")


@pytest.mark.parametrize("skin", SKINS)
def test_a_package_that_changes_the_admin(skin: str, tmp_path: Path) -> None:
    passes(tmp_path, skin, "pages")
