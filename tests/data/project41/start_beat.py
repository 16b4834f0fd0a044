"""Do with the rows what beat does when it starts: write those of the application's `beat_schedule`, and its own."""

import django

django.setup()

from bazaar import app  # noqa: E402  needs Django to be set up
from django_celery_beat.schedulers import DatabaseScheduler  # noqa: E402

app.finalize()
DatabaseScheduler(app=app)
