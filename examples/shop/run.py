"""Sync `schedules.d` and run its tasks, with the database, beat, broker and worker in one process.

    python examples/shop/run.py --seconds 20

Needs `pip install 'beatsync[solar]'`, because one of the schedules is solar.
"""

import argparse
import os
import sys
import tempfile
import threading
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", nargs="?", default=HERE.parent.parent / "schedules.d", type=Path)
    parser.add_argument("--seconds", type=float, default=20, help="how long to run (default: 20)")
    arguments = parser.parse_args()
    if find_spec("ephem") is None:
        sys.exit("beat needs the package ephem for solar schedules: pip install 'beatsync[solar]'")
    sys.path.insert(0, str(HERE))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SHOP_DATABASE"] = str(Path(folder, "shop.sqlite3"))
        os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
        return run(arguments.directory, arguments.seconds)


def run(directory: Path, seconds: float) -> int:
    import django

    django.setup()
    from celery.beat import EmbeddedService
    from django.core.management import call_command
    from shop import app

    call_command("migrate", verbosity=0)
    call_command("beatsync", "sync", str(directory))
    scheduler = "django_celery_beat.schedulers:DatabaseScheduler"
    beat = EmbeddedService(app, thread=True, scheduler_cls=scheduler, max_interval=1)
    worker = app.Worker(pool="solo", loglevel="WARNING", without_mingle=True, without_gossip=True)
    timer = threading.Timer(seconds, worker.stop)
    timer.daemon = True
    beat.start()
    timer.start()
    try:
        worker.start()
    finally:
        beat.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
