"""What marketing writes down: each file of a playbook as typed values, and a version of them all."""
