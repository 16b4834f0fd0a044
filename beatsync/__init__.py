"""BeatSync: a declarative GitOps reconciler for django-celery-beat.

Importing this package imports nothing else: no Django, no celery, no settings.
"""

__version__ = "0.1.0"
