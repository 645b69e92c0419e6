"""Assets of the behavior stage that Python computes."""
