"""Emails from the playbook: rendered for each person, proofread before anybody approves them, and put over the wire."""
