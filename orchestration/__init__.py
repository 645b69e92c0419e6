"""When things happen: the Dagster graph, its resources, schedules and the command line. Domain logic does not belong here."""
