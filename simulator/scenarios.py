"""Shops by name: the world of each, the form of its files, and what it proves."""

from dataclasses import replace
from typing import Literal, NamedTuple

from simulator.world import ANY_FLOW, World, effects_of

Form = Literal["systems", "columns"]
"""The text of the vendors' systems, or the plain tables as Parquet."""
FLOWS = ("newsletter", "win_back", "welcome", ANY_FLOW)


class Scenario(NamedTuple):
    """A named shop."""

    world: World
    form: Form
    proves: str
    """One sentence."""


EVERYDAY = World()
NO_EFFECTS = tuple(row for flow in FLOWS for row in effects_of(flow, desktop=0.0, phone=0.0, loyal=0.0, office=0.0))
ONE_NEGATIVE = tuple(
    (flow, group, {"phone": -0.10, "desktop": 0.15, "office": 0.05}.get(group, 0.0) * (0.05 if flow == "newsletter" else 1.0))
    for flow, group, _ in NO_EFFECTS
)  # fmt: skip
FLAWLESS = replace(
    EVERYDAY, late_share=0.0, redelivered_share=0.0, broken_share=0.0, impossible_time_share=0.0, negative_price_share=0.0,
    changed_copy_share=0.0, redelivered_file_share=0.0, cut_file_share=0.0, new_column_from=1.0, renamed_column_from=1.0,
    outage_days=0,
)  # fmt: skip
# Everything that the posterior of a person's rate and dropout would have to know besides purchases, visits, opens and renewals is
# off: other selves, machines, and what moves opens or purchases other than presence and the season.
CALM = replace(
    FLAWLESS, guest_share=0.0, guest_checkout_share=0.0, second_mailbox_share=0.0, changed_phone_share=0.0, household_share=0.0,
    info_people=0, kiosk_share=0.0, company_share=0.0, chain_share=0.0, placeholder_phone_share=0.0, crm_duplicate_share=0.0,
    curious_share=0.0, remembered_share=1.0,
    click_visit_share=0.0, test_order_share=0.0, machine_open_share=0.0, scanner_share=0.0, taste_slope=0.0,
    hour_swing=0.0, tired_response=1.0, tired_leaving=0.0, fatigue_share=0.0, resubscribed_share=0.0, import_from=1.0,
    effects=NO_EFFECTS,
)  # fmt: skip
DIRTY = replace(
    EVERYDAY, broken_share=0.004, impossible_time_share=0.002, negative_price_share=0.002, changed_copy_share=0.004,
    redelivered_share=0.02, redelivered_file_share=0.05, cut_file_share=0.05, placeholder_email_share=0.03,
    placeholder_phone_share=0.03, typo_share=0.08, scanner_share=0.06,
)  # fmt: skip
HUBS = replace(
    EVERYDAY, info_people=60, kiosk_share=0.03, company_share=0.12, company_size=12, chain_share=0.05, chain_length=12,
    bridge_people=40, household_share=0.06, placeholder_phone_share=0.05, placeholder_email_share=0.05,
    crm_duplicate_share=0.40,
)  # fmt: skip
LATE = replace(FLAWLESS, late_share=0.15)
OUTAGE = replace(FLAWLESS, outage_days=2)
FATIGUE = replace(EVERYDAY, newsletter_weekdays=(0, 1, 2, 3, 4), tired_response=0.80, tired_leaving=1.0)
DRIFT = replace(EVERYDAY, drift_from=0.7, drift_purchases=0.6, drift_visits=0.7, drift_phone_visits=0.6)
# More purchases, fewer idle visits and subscribers than every day: about five orders and fifty events per person and year.
HUGE = replace(
    EVERYDAY, purchase_mean=1 / 23, visit_base=0.004, visit_slope=0.10, consent_share=0.28, machine_open_share=0.15
)
SCENARIOS = {
    "everyday": Scenario(EVERYDAY, "systems", "every pain at a low rate, and an outage that is over by the end: daily life"),
    "calm": Scenario(CALM, "systems", "one self per person, no faults, machines or effects: the best forecast can be computed"),
    "dirty": Scenario(DIRTY, "systems", "broken, impossible and repeated rows and files: each is quarantined, refused or a duplicate"),
    "hubs": Scenario(HUBS, "systems", "shared mailboxes, phones and devices, long chains and one bridge: strangers are not merged"),
    "late": Scenario(LATE, "systems", "one event in seven lands one to three days late: what was known on a day does not change"),
    "outage": Scenario(OUTAGE, "systems", "the ESP's feed fails for two days: nobody is mailed on a stale list"),
    "fatigue": Scenario(FATIGUE, "systems", "five newsletters a week: response falls, unsubscribes and complaints rise, caps pay"),
    "drift": Scenario(DRIFT, "systems", "people buy and visit less, by phone, after 70 % of the window: alarms ring, models fall back"),
    "no_effect": Scenario(replace(EVERYDAY, effects=NO_EFFECTS), "systems", "emails earn nothing: the report must not say that they do"),
    "one_negative_segment": Scenario(
        replace(EVERYDAY, effects=ONE_NEGATIVE), "systems", "emails drive away those who prefer the phone: uplift must leave them out"
    ),
    "huge": Scenario(HUGE, "columns", "plain tables in Parquet: a million customers in minutes"),
}  # fmt: skip
DEFAULT = "everyday"
