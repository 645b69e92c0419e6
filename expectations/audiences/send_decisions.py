"""A decision must have one outcome and its reason, and nobody is sent twice, before a send list is made of it."""

from expectations.suite import BY_DAY, Suite, never, none_of, one_of, unique

OUTCOMES = ("sent", "held_out", "suppressed", "capped", "deferred", "blocked_by_governance")

SUITE = Suite(
    table="activation.send_decisions",
    window=BY_DAY,
    key=("decision_id",),
    columns=(
        "decision_id", "flow", "step", "occurrence", "as_of", "send_date", "customer_id", "mailbox_hash", "outcome", "first_reason",
        "all_reasons", "experiment", "arm", "flow_experiment", "flow_arm", "flow_treatment", "segment", "block_choices", "model_versions",
        "data_age", "approval_id", "playbook_version",
    ),
    needs=("marts.dim_customers",),
    expectations=(
        one_of("outcome", *OUTCOMES),
        unique("decision_id"),
        unique("as_of", "flow", "step", "occurrence", "customer_id"),
        never("list_is_for_the_next_day", "send_date <> as_of + 1"),
        never("refusal_has_a_reason", "outcome not in ('sent', 'held_out') and first_reason is null"),
        never("first_reason_is_among_all", "not contains(cast(all_reasons as varchar), first_reason)"),
        never("sent_is_not_held_out", "outcome = 'sent' and arm = 'holdout'"),
        never("sent_is_not_held_out_of_its_flow", "outcome = 'sent' and flow_treatment = 'nothing'"),
        never("sent_has_a_mailbox", "outcome = 'sent' and mailbox_hash is null"),
        never("decision_names_its_playbook", "playbook_version is null"),
        never("sent_is_approved", "outcome = 'sent' and approval_id is null"),
        none_of(
            "mailbox_is_sent_once_a_day",
            """
            select min(decision_id) as decision_id
            from {batch}
            where outcome = 'sent'
            group by mailbox_hash, send_date
            having count(*) > 1
            """,
        ),
        none_of(
            "who_is_sent_or_held_out_is_a_customer_of_the_day",
            """
            select decisions.decision_id
            from {batch} as decisions
            anti join marts.dim_customers as customers
                on decisions.as_of = customers.as_of and decisions.customer_id = customers.customer_id
            where decisions.outcome in ('sent', 'held_out')
            """,
        ),
    ),
)  # fmt: skip
