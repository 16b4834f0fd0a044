"""What is typed in the recordings, in the repository of the shop."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scenes.terminal import record, to_svg
from scenes.world import EXAMPLE, GIT, NOW, git

COLUMNS, WIDE = 100, 134
"""Of terminals; the wide one is for lines that would not fit."""
AT_TIME = Path(__file__).parent / "at_time.py"
MISTAKE = ('crontab: "0 7 * * mon-fri"', 'crontab: "0 7 * * mon-fry"')
CHANGE = ('crontab: "0 9,14 * * mon-fri"', 'crontab: "15 9 * * mon-fri"')
NEW = """
  loyalty-points:
    task: shop.tasks.clean_up
    crontab: "H 5 * * *"
"""


def take(shop: Path, folder: Path) -> None:
    """Write every recording into a folder."""
    program = [sys.executable, str(AT_TIME), NOW.isoformat()]
    packages = os.pathsep.join([str(EXAMPLE), os.environ.get("PYTHONPATH", "")])
    env = {**GIT, "PYTHONPATH": packages, "BEATSYNC_ACTOR": "ana"}

    def scene(name: str, title: str, *commands: str, columns: int = COLUMNS) -> None:
        picture = to_svg(record(commands, columns, shop, program, env), columns, title)
        (folder / f"terminal-{name}.svg").write_text(picture, encoding="utf-8")

    scene("show", "Everything about one schedule", "beatsync show nightly-invoices")
    next_runs = "beatsync next nightly-invoices sales-report clean-up-baskets --for 24h"
    scene("next", "When three schedules run in the next 24 hours", next_runs, columns=WIDE)
    scene("load", "How the runs of a week lie over days and hours", "beatsync load --timezone Europe/Berlin")
    billing = shop / "schedules.d" / "billing.yaml"
    text = billing.read_text(encoding="utf-8")
    billing.write_text(replaced(text, *MISTAKE), encoding="utf-8")
    scene("validate", "A mistake in a file, with its place and a hint", "beatsync validate")
    billing.write_text(replaced(text, *CHANGE) + NEW, encoding="utf-8")
    git(shop, "commit", "--quiet", "--all", "--message", "Remind of payments once a day, and give loyalty points")
    scene(
        "sync", "A commit, the plan that is reviewed, and its sync",
        "git show --unified=1 --color --format='%an: %s'", "beatsync plan", "beatsync sync --quiet",
    )  # fmt: skip
    scene("history", "Which syncs and people changed one schedule", "beatsync history nightly-invoices")


def replaced(text: str, old: str, new: str) -> str:
    """Return a text with a change. Raises ValueError if it does not have what is to be changed."""
    before, after = text.split(old)
    return before + new + after
