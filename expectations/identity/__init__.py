"""Suites of the identity stage, one file a table."""
