"""Suites of the audiences stage, one file a table."""
