"""Assets of the audiences stage."""
