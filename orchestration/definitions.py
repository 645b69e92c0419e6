"""The one code location: what `dagster -w workspace.yaml` and the commands load."""

import warnings

import dagster as dg

from orchestration.graph import build_definitions
from orchestration.resources import settings_of_code_location

warnings.filterwarnings("ignore", category=dg.BetaWarning)  # backfill_policy, once for each asset
defs = build_definitions(settings_of_code_location())
