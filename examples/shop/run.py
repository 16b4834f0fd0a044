"""Sync `schedules.d` and run its tasks, with the database, web pages, beat, broker and worker in one process.

    python examples/shop/run.py --seconds 120

Needs `pip install 'beatsync[solar]'`, because one of the schedules is solar.
"""

import argparse
import os
import secrets
import sys
import tempfile
import threading
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", nargs="?", default=HERE.parent.parent / "schedules.d", type=Path)
    parser.add_argument("--seconds", type=float, default=120, help="how long to run (default: 120)")
    parser.add_argument("--port", type=int, default=0, help="the port of the web pages (default: a free one)")
    arguments = parser.parse_args()
    if find_spec("ephem") is None:
        sys.exit("beat needs the package ephem for solar schedules: pip install 'beatsync[solar]'")
    sys.path.insert(0, str(HERE))
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("SHOP_DATABASE", str(Path(folder, "shop.sqlite3")))
        os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
        return run(arguments.directory, arguments.seconds, arguments.port)


def run(directory: Path, seconds: float, port: int) -> int:
    import django

    django.setup()
    from celery.beat import EmbeddedService
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from shop import app
    from shop.models import Order

    call_command("migrate", verbosity=0)
    # In the environment `demo`, prices are refreshed every other minute outside of office hours, too.
    call_command("beatsync", "sync", str(directory), "--env", "demo")
    Order.objects.create()  # it is never paid: the task that its signal schedules cancels it
    password = os.environ.get("SHOP_PASSWORD") or secrets.token_urlsafe(9)
    User.objects.create_superuser("admin", password=password)
    serve(port, password)
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


def serve(port: int, password: str) -> None:
    """Serve the pages in a thread, print their addresses, and return that of the first one."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    server = ThreadedWSGIServer(("127.0.0.1", port), WSGIRequestHandler)
    server.set_app(StaticFilesHandler(get_wsgi_application()))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    print(f"Choose when a report is sent, for example in a minute: {address}/reports/7/")
    print(f"Order something, and see what happens if you do not pay: {address}/orders/")
    print(f"See who manages each task, as admin with the password {password}: {address}/admin/", flush=True)
    return address


if __name__ == "__main__":
    sys.exit(main())
