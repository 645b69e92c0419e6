"""Assets of the identity stage."""
