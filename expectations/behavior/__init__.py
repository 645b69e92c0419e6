"""Suites of the behavior stage, one file a table."""
