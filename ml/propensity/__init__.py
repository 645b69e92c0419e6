"""What a customer will do: train, calibrate, evaluate, gate, score. Labels and features belong to dbt."""
