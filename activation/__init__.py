"""Acting on the playbook: it decides who gets which email, publishes the list and releases it through the ledger.

Here belong the playbook's models, the decision, the state of what was decided, publication and release. Not here: facts and
segments (dbt), learning (ml), clocks and settings (orchestration).
"""
