"""Suites of the propensity stage, one file a table."""
