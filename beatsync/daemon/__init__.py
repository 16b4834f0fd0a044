"""Keeps rows equal to files continuously: when to sync, which process leads, and what operators can see.

This package must not know SQL or YAML. It calls `beatsync.reconcile` and `beatsync.store`, and waits in between.
"""
