"""Where Django's admin looks for the admins of an app: BeatSync's own pages, and the wrapping of django-celery-beat's."""

from __future__ import annotations

from beatsync.web.admin.wrapping import is_enabled, wrap_all

if is_enabled():
    from beatsync.web.admin.pages import register

    register()
    wrap_all()
