"""Who is whom: components of profiles that share identifiers, and what changed. Normalising values belongs to dbt."""
