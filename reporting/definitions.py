"""What the words and figures of the report mean."""

from reporting.data import Metric

# In the order in which they are shown: conversion first, because it is known sooner and is less noisy than revenue.
METRICS = {
    "conversion": Metric("Conversion", "share", "People with at least one order, of 100 people in the arm."),
    "visit": Metric("Visit", "share", "People who came to the shop at least once, of 100 people in the arm."),
    "conversion_by_week": Metric(
        "Conversion by week",
        "share",
        "People with an order in each week since their first email, of 100; the trend is what each week adds to the lift.",
    ),
    "orders": Metric("Orders", "number", "Orders per person in the arm, buyers and others alike."),
    "revenue": Metric("Revenue", "amount", "Net revenue per person in the arm, buyers and others alike."),
    "spend": Metric("Spend", "amount", "Net spend per person in the arm, buyers and others alike."),
}

OUTCOMES = {
    "sent": ("Sent", "On the send list."),
    "held_out": (
        "Held out",
        "Would have been sent, but belongs to the holdout and gets nothing, so that the effect can be measured.",
    ),
    "suppressed": (
        "Suppressed",
        "Must not be mailed: no consent, unsubscribed, complained, bounced, bought just now, or an open ticket.",
    ),
    "capped": ("Capped", "Has had as many emails as the frequency cap allows."),
    "deferred": (
        "Deferred",
        "Lost against another email to the mailbox, held by a circuit breaker, or not yet in the ramp of a new flow; comes back tomorrow.",
    ),
    "blocked_by_governance": ("Blocked", "Content is not approved, or its approval has expired."),
}

STATUSES = {
    "fresh": ("Fresh", "good", "Landed in its usual time and volume."),
    "late": ("Late", "warn", "Events arrive later than usual."),
    "short": ("Short", "warn", "Fewer events than expected."),
    "missing": ("Missing", "bad", "Nothing has landed."),
}

VERDICTS = {
    "works": "Works: the lift is more than chance, also after correcting for the number of comparisons.",
    "hurts": "Hurts: the harm is more than chance, also after correcting for the number of comparisons.",
    "no_difference_within": "No difference beyond the interval: the true lift may be zero, and is most likely inside it.",
    "not_enough_data": "Not enough data: too few people, or too few buyers among those held back, to say anything.",
    "invalid": "Invalid: the arms are not split as planned, or the data of the period cannot be relied on.",
}

HUB_REASONS = {
    "many_profiles": "more profiles bear it than its type allows",
    "many_people": "more people bear it than its type allows",
    "people_who_differ": "two accounts of different names use it",
    "blocked": "blocked in playbook/identity.yml",
}

COLUMNS = {
    "segment": "The group of people compared; “all” is everybody in the experiment.",
    "metric": "What is counted, per person.",
    "arm": "What the people got, against what the baseline got.",
    "n_treated": "People in the arm that gets the emails.",
    "n_held_out": "People in the arm that is held back.",
    "mean_treated": "Average per person who gets the emails.",
    "mean_held_out": "Average per person who is held back.",
    "lift": "The difference between the two averages: what the emails earned per person.",
    "lift_relative": "The lift as a share of the held-out average.",
    "lift_capped": "The lift if nobody counted for more than nearly all past orders were worth: one huge order cannot make it.",
    "lift_pooled": "The segment’s lift drawn towards its like, the more so the fewer people it has: the best guess of one among many.",
    "interval": "Where the true lift lies, with the stated confidence, however often the report is read.",
    "p_value": "How often chance alone would show a difference this large on any day so far.",
    "p_adjusted": "The same, corrected for looking at several segments and metrics at once.",
    "minimum_detectable_lift": "The smallest lift that this many people would have shown.",
    "verdict": "What to conclude from the row.",
}

GLOSSARY = {
    "Holdout": "A random group that walks through every rule as if it were mailed and then gets nothing. What it does anyway is "
    "subtracted from what mailed people do; the rest was earned by the emails.",
    "Lift": COLUMNS["lift"],
    "Profile": "One record of one source: an account of the shop, a contact of the CRM, a browser.",
    "Customer": "The profiles that are one person, because values that only that person bears tie them together.",
    "Cut value": "An address, phone or device that people share. It ties nobody together, or strangers would become one customer.",
    "Interval": "The range of lifts that fit the data. If it spans zero, the emails may have earned nothing.",
    "Split check": "Compares the sizes of the arms with the plan. If they differ by more than chance allows, something sorted people "
    "into arms, and no lift of the experiment can be trusted.",
    "Contamination": "People in whom the arms met: profiles of two arms turned out to be one person, a mailbox is shared with "
    "another arm, somebody held back got an email all the same, or they are our own. They keep their arm, and the lift is, if "
    "anything, understated.",
    "Last click": "The usual claim of a shop: every order within the hours of playbook/policies.yml after a click in an email counts "
    "as the email’s. Many of these people would have bought anyway.",
    "Over-credit": "What the last click claims, divided by what was earned. At 2, half of what is claimed would have come without emails.",
    "Smallest visible lift": COLUMNS["minimum_detectable_lift"],
    "AUC": "How often a model ranks a random customer who left above a random customer who stayed: 0.5 is a coin, 1 is perfect.",
    "Completeness": "Events that landed, as a share of those expected from the weeks before.",
}

SRM_ALARM = 0.001


def metric_of(name: str, extra: dict[str, Metric]) -> Metric:
    """The metric of that name; an unknown one is shown as a plain number under its own name."""
    known = {**METRICS, **extra}
    return known.get(name) or Metric(spoken(name), "number", "")


def spoken(name: str) -> str:
    """A snake-case name as words."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
