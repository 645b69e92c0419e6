"""Who is moved by the email, not who would buy anyway: learned on randomised holdouts only. Arms and outcomes belong to dbt."""
