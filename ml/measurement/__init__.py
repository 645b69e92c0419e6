"""What the emails earned: balance and lift from sums per arm. Who is in which arm belongs to activation."""
