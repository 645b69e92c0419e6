"""Speed and cost of the platform on generated data; numbers to quote, no tests."""
