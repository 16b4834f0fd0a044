"""A Django project with 41 schedules, none of them in spec files.

15 are in `CELERY_BEAT_SCHEDULE`, 5 in `add_periodic_task`, 5 come from a data migration, 15 were made in the admin
(`make_admin_rows.py`), and beat adds its own when it starts (`start_beat.py`).
"""

from .celery import app

__all__ = ["app"]
