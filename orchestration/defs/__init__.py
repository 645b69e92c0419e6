"""The assets, one folder a stage."""
