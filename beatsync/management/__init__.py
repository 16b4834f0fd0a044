"""The `manage.py` integration."""
