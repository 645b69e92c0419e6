"""Assets of the sources stage."""
