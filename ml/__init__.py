"""Learning and inference: frames in, frames out; no warehouse, no clock, no environment, no Dagster."""
