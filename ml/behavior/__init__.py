"""When customers will order again and what they will be worth: purchases and spend. Facts belong to dbt, churn to propensity."""
