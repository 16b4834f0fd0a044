"""The command under manage.py."""
