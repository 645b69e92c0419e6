"""What mailbox providers think of our emails: exact shares, circuit breakers, ramps, and the authentication of the domain."""
