"""Assets of the propensity stage."""
