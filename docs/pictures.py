"""Renew the pictures of README and docs: screenshots and recordings of the running example, at a fixed time.

    pip install -e '.[dev]' playwright pillow && python docs/pictures.py

It needs Chromium, at `/usr/bin/chromium`.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import time_machine
from scenes import browser, recording, world

PICTURES = Path(__file__).parent / "pictures"


def main() -> None:
    """Write every picture."""
    with tempfile.TemporaryDirectory() as folder, time_machine.travel(world.NOW, tick=False) as traveller:
        os.environ["SHOP_DATABASE"] = str(Path(folder, "shop.sqlite3"))
        os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
        sys.path.insert(0, str(world.EXAMPLE))
        import django
        import run

        django.setup()
        shop = Path(folder, "shop")
        with redirect_stdout(StringIO()):
            world.build(shop, traveller)
            address = run.serve(0, world.PASSWORD)
        logging.disable(logging.WARNING)  # of the server, for each request
        browser.take(address, PICTURES, traveller)
        recording.take(shop, PICTURES)


if __name__ == "__main__":
    main()
