"""Publish revisions of a source as fast as they are requested. Runs in its own container, with the standard library only.

    python writer.py git-sync|configmap ROOT

The file ROOT/.requested, which the test writes, holds the number of the last requested revision; every revision up to it is published.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path

FILES = ("a.yaml", "b.yaml", "c.yaml")


def write(folder: Path, kind: str, revision: int) -> None:
    """Write a revision. Every row holds its number, so that a mixture of two revisions is visible."""
    folder.mkdir(parents=True)
    for name in FILES:
        entry = {"task": "shop.tasks.bill", "interval": "1h", "args": [revision]}
        # Revisions differ in length, so that a half-written file is visible too.
        filler = "x" * (revision % 7 * 500)
        (folder / name).write_text(json.dumps({"x-filler": filler, "schedules": {f"{kind}-{name[0]}": entry}}))


def swap(link: Path, target: Path) -> None:
    """Point a link to `target` by rename, and remove its previous target, as git-sync and kubelet do."""
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
    published = 0
    while True:
        request = root / ".requested"
        requested = int(request.read_text() or 0) if request.exists() else 0
        while published < requested:
            published += 1
            publish(root, published)
        time.sleep(0.02)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
