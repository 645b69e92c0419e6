"""Suites of the measurement stage, one file a table."""
