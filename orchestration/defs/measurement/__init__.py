"""Assets of the measurement stage."""
