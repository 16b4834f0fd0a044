"""Keeps rows equal to files for ever: when to look, who leads, what is told to those who operate it.

This room must not know SQL or YAML: it calls `beatsync.reconcile` and `beatsync.store`, and waits in between.
"""
