"""Golden files: what an output was when somebody last read it. `BEATSYNC_RENEW=1` writes them anew; read the difference."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"
RENEW = os.environ.get("BEATSYNC_RENEW") == "1"


def compare(path: Path, text: str) -> None:
    """Fail where the file says something else than `text`; with BEATSYNC_RENEW=1 write it instead."""
    if RENEW:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    if not path.exists():
        pytest.fail(f"there is no {path.name}: BEATSYNC_RENEW=1 writes it")
    assert text == path.read_text(encoding="utf-8"), "if this is meant: BEATSYNC_RENEW=1, and read the difference"
