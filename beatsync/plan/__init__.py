"""desired × observed × inventory → plan, as pure functions.

This room must not know files, YAML, Django, databases, the environment or the clock: the time is an argument.
"""
