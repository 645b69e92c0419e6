"""What customers are drawn to: clusters of interest whose labels keep their meaning. Affinities and recommendations belong to dbt."""
