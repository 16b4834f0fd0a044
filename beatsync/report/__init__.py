"""Renders plans, diagnostics and status as strings: one module per output format.

`text`, `jsonout`, `markdown`, `github`, `sarif` and `junit` have one function per thing rendered. `escape` holds all escaping,
`values` what only this package renders, and the other modules what several formats share. Nothing here reads files, the
database or the clock, or knows where its strings are printed. Secrets are masked here.
"""
