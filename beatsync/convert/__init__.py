"""Schedules of other forms → schedules to write, and schedules → other forms. Must not know Django, nor where files are."""
