"""Scores must be usable numbers of a named model before an audience is cut by them."""

from expectations.suite import BY_DAY, Suite, never, none_of, unique, within

SUITE = Suite(
    table="ml.customer_scores",
    window=BY_DAY,
    key=("as_of", "customer_id", "model_name"),
    columns=("as_of", "customer_id", "model_name", "model_version", "score", "tier"),
    needs=("marts.customer_features",),
    expectations=(
        unique("as_of", "customer_id", "model_name"),
        within("score", 0, None),
        # Names of models of an expected amount end in _value; all others score a probability.
        never("probability_is_at_most_one", "score > 1 and not ends_with(model_name, '_value')"),
        never("score_is_a_number", "score is null or not abs(score) < cast('infinity' as double)"),
        never("score_of_a_model_names_its_version", "tier = 'model' and model_version is null"),
        none_of(
            "scored_customer_has_features",
            """
            select scores.as_of, scores.customer_id, scores.model_name
            from {batch} as scores
            anti join marts.customer_features as features
                on scores.as_of = features.as_of and scores.customer_id = features.customer_id
            """,
        ),
        none_of(
            "model_tells_customers_apart",
            """
            select as_of, 'all' as customer_id, model_name
            from {batch}
            where tier = 'model'
            group by as_of, model_name
            having count(*) >= 100 and count(distinct score) = 1
            """,
            severity="warning",
        ),
    ),
)
