"""Refusal: one Great Expectations suite per table that crosses a boundary, and the gate that runs them.

Belongs here: what must hold of a table when it enters a decision or leaves the house (ranges, rules across columns and
tables, no personal value under a hash). Does not: what dbt tests of its own models (keys, not null, accepted values).
Suites are data in Great Expectations' own vocabulary; only `gate` imports it, and only when it runs.
"""
