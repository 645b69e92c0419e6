"""Numbers that someone will act on must agree with each other before they are shown."""

from expectations.suite import BY_DAY, Suite, never, none_of, ordered, unique, within

SUITE = Suite(
    table="measurement.holdout_report",
    window=BY_DAY,
    key=("as_of", "experiment", "arm", "segment", "metric"),
    columns=(
        "as_of", "experiment", "segment", "metric", "arm", "baseline_arm", "n_treated", "n_held_out", "mean_treated", "mean_held_out",
        "lift", "lift_relative", "ci_low", "ci_high", "p_value", "p_adjusted", "method", "verdict", "srm_p_value", "contamination",
        "minimum_detectable_lift", "verdict_text", "is_primary", "decided_on", "ends_on", "critical_value", "n_pending", "ci_low_fixed",
        "ci_high_fixed", "lift_cuped", "ci_low_cuped", "ci_high_cuped", "lift_capped", "ci_low_capped", "ci_high_capped",
        "lift_per_buyer", "ci_low_per_buyer", "ci_high_per_buyer", "lift_pooled", "ci_low_pooled", "ci_high_pooled", "finding",
        "n_contaminated", "contamination_text", "lift_clean", "ci_low_clean", "ci_high_clean", "n_epochs", "epochs_text", "data_quality",
    ),
    expectations=(
        unique("as_of", "experiment", "arm", "segment", "metric"),
        within("n_treated", 0, None),
        within("n_held_out", 0, None),
        within("p_value", 0, 1),
        within("p_adjusted", 0, 1),
        within("srm_p_value", 0, 1),
        within("contamination", 0, 1),
        within("n_contaminated", 0, None),
        within("n_epochs", 1, None),
        within("minimum_detectable_lift", 0, None),
        ordered("ci_low", "ci_high", or_equal=True),
        ordered("p_value", "p_adjusted", or_equal=True),
        never("lift_is_inside_its_interval", "lift not between ci_low - 1e-9 and ci_high + 1e-9"),
        never(
            "numbers_are_finite", "not greatest(abs(lift), abs(ci_low), abs(ci_high)) < cast('infinity' as double)"
        ),
        never("arm_is_compared_with_another", "arm = baseline_arm"),
        never("row_says_what_it_means", "verdict is null or method is null or coalesce(verdict_text, '') = ''"),
        never("fixed_interval_waits_for_the_planned_end", "ci_low_fixed is not null and as_of < ends_on"),
        never("decision_is_not_of_the_future", "decided_on > as_of"),
        none_of(
            "one_metric_decides",
            "select {key} from {batch} where is_primary qualify count(*) over (partition by as_of, experiment, arm) > 1",
        ),
        never("verdict_has_an_interval", "verdict in ('works', 'hurts') and (lift is null or ci_low is null or ci_high is null)"),
        never("broken_split_is_called_invalid", "srm_p_value < 0.001 and verdict <> 'invalid'"),
        never(
            "bad_data_are_said_in_the_sentence",
            "verdict <> 'invalid' and not contains(lower(verdict_text), lower(split_part(data_quality, '; ', 1)))",
        ),
        never("arms_are_split_as_planned", "srm_p_value < 0.001", severity="warning"),
    ),
)  # fmt: skip
