"""Publishes revisions of a source as fast as they are asked for; runs in a container of its own, on Python's own library only.

    python writer.py git-sync|configmap ROOT

The file ROOT/.asked, which the test writes, says which revision is wanted; every one on the way to it is published.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path

FILES = ("a.yaml", "b.yaml", "c.yaml")


def write(folder: Path, kind: str, revision: int) -> None:
    """Write a revision: every row says which it is of, so that a mixture of two would show."""
    folder.mkdir(parents=True)
    for name in FILES:
        entry = {"task": "shop.tasks.bill", "interval": "1h", "args": [revision]}
        # Its length differs from that of the revision before, so that half of one shows too.
        filler = "x" * (revision % 7 * 500)
        (folder / name).write_text(json.dumps({"x-filler": filler, "schedules": {f"{kind}-{name[0]}": entry}}))


def swap(link: Path, target: Path) -> None:
    """Let a link lead to `target` by rename, and remove what it led to before, as git-sync and kubelet do."""
    before = link.resolve() if link.is_symlink() else None
    new = link.with_name(f"{link.name}_tmp")
    new.symlink_to(target.relative_to(link.parent))
    new.replace(link)
    if before is not None:
        shutil.rmtree(before)


def publish_git_sync(root: Path, revision: int) -> None:
    worktree = root / ".worktrees" / f"{revision:040x}"
    write(worktree / "schedules.d", "git-sync", revision)
    swap(root / "current", worktree)


def publish_configmap(root: Path, revision: int) -> None:
    data = root / f"..rev{revision}"
    write(data, "configmap", revision)
    swap(root / "..data", data)
    for name in FILES:
        if not (root / name).is_symlink():
            (root / name).symlink_to(f"..data/{name}")


def main(kind: str, root: Path) -> None:
    publish = {"git-sync": publish_git_sync, "configmap": publish_configmap}[kind]
    done = 0
    while True:
        asked = root / ".asked"
        wanted = int(asked.read_text() or 0) if asked.exists() else 0
        while done < wanted:
            done += 1
            publish(root, done)
        time.sleep(0.02)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
