"""Suites of the sources stage, one file a table."""
