"""Schedules that an application declares at run time."""
