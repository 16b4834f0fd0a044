"""The celery application of a small Django project, whose tasks leave a line in a file each time they run."""

import os
import time
from pathlib import Path

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "proj.settings")

app = Celery("proj")
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.task(name="proj.note")
def note(text: str = "ran") -> None:
    with Path(os.environ["PROJECT_NOTES"]).open("a", encoding="utf-8") as notes:
        notes.write(f"{time.time():.3f} {text}\n")
