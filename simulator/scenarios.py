"""Shops by name: the world of each, the form of its files, and what it proves."""

from dataclasses import replace
from typing import Literal, NamedTuple

from simulator.world import World

Form = Literal["systems", "columns"]
"""The text of the vendors' systems, or the plain tables as Parquet."""


class Scenario(NamedTuple):
    """A named shop."""

    world: World
    form: Form
    proves: str
    """One sentence."""


EVERYDAY = World()
FLAWLESS = replace(
    EVERYDAY, late_share=0.0, redelivered_share=0.0, broken_share=0.0, impossible_time_share=0.0, negative_price_share=0.0,
    changed_copy_share=0.0, redelivered_file_share=0.0, cut_file_share=0.0, new_column_from=1.0, renamed_column_from=1.0,
    outage_days=0,
)  # fmt: skip
CALM = replace(
    FLAWLESS, second_mailbox_share=0.0, household_share=0.0, info_people=0, kiosk_share=0.0, guest_checkout_share=0.0,
    machine_open_share=0.0, scanner_share=0.0,
)  # fmt: skip
DIRTY = replace(
    EVERYDAY, broken_share=0.004, impossible_time_share=0.002, negative_price_share=0.002, changed_copy_share=0.004,
    redelivered_share=0.02, redelivered_file_share=0.05, cut_file_share=0.05,
)  # fmt: skip
LATE = replace(FLAWLESS, late_share=0.15)
OUTAGE = replace(FLAWLESS, outage_days=2)
SCENARIOS = {
    "everyday": Scenario(EVERYDAY, "systems", "every pain at a low rate: the platform's daily life"),
    "calm": Scenario(CALM, "systems", "one self per person, no faults, no machines: models can be held against the posterior"),
    "dirty": Scenario(DIRTY, "systems", "broken, impossible and repeated rows and files: each is quarantined, refused or a duplicate"),
    "late": Scenario(LATE, "systems", "one event in seven lands one to three days late: what was known on a day does not change"),
    "outage": Scenario(OUTAGE, "systems", "the ESP's feed fails for two days: nobody is mailed on a stale list"),
    "huge": Scenario(EVERYDAY, "columns", "plain tables in Parquet: a million customers in minutes"),
}  # fmt: skip
DEFAULT = "everyday"
