"""Plans, diagnostics and status → text, JSON, markdown, GitHub annotations, SARIF and JUnit: strings, and nothing else.

This room must not know where its strings are printed, nor files, Django or the clock. Every secret is masked in here.
"""
