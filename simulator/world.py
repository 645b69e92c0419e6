"""The parameters of the shop: what a test may hold the landed files against."""

from dataclasses import dataclass

RESPONSE_GROUPS = ("desktop", "phone", "loyal", "office")
"""How emails move people: who prefers the phone is `phone`, else who buys for an office `office`, else a frequent buyer `loyal`."""
ANY_FLOW = "*"
"""Stands in `World.effects` for every flow that is not named there."""

Effects = tuple[tuple[str, str, float], ...]
"""(flow, response group, added chance of one more purchase within 14 days); see `World.effects`."""


def effects_of(flow: str, *, desktop: float, phone: float, loyal: float, office: float) -> Effects:
    """The four rows of one flow."""
    return tuple(zip([flow] * 4, RESPONSE_GROUPS, (desktop, phone, loyal, office), strict=True))


@dataclass(frozen=True)
class World:
    """Every rate that shapes people and their files; times in days unless said otherwise."""

    existing_share: float = 0.45
    """People who were customers before the first day; the others join evenly through the window and the days after it."""
    consent_share: float = 0.60
    double_opt_in_share: float = 0.35
    confirmed_share: float = 0.85
    eu_share: float = 0.30
    """People of the European storefront; the others belong to the American one."""

    guest_share: float = 0.08
    guest_checkout_share: float = 0.06
    """Orders of people with an account that they place without signing in."""
    capitalised_share: float = 0.30
    """Guest checkouts at which the address is typed with a capital letter; the next three are shares of them too."""
    typo_share: float = 0.04
    """The address lacks a letter: another mailbox, of nobody else."""
    variant_share: float = 0.25
    """Of those who have a Gmail mailbox: the address is written with a tag or without its dots."""
    placeholder_email_share: float = 0.01
    placeholder_phone_share: float = 0.01
    """Orders, and contacts of the CRM, with `0000000000` for a phone."""
    second_mailbox_share: float = 0.05
    phone_share: float = 0.70
    changed_phone_share: float = 0.04
    """People with a phone who get another number once in the window."""
    household_share: float = 0.02
    """People who use the mailbox of the person they live with."""
    info_people: int = 12
    """People of each block who use the mailbox `info@` of one office."""
    kiosk_share: float = 0.012
    """People who once visit by the one device in the shop; at least 8 of a block unless 0."""
    company_share: float = 0.03
    """People who buy for a company: an address at its domain, and the phone of all its buyers."""
    company_size: int = 4
    chain_share: float = 0.006
    """People in chains: each shares a phone with the one before and a computer with the one after, or the other way round."""
    chain_length: int = 3
    bridge_people: int = 0
    """Size of each of two groups in the first block, each with one phone of its own, that one person's change of phone joins."""
    crm_share: float = 0.25
    """People with an account whom the CRM knows; it knows all buyers of companies."""
    crm_duplicate_share: float = 0.20
    """Contacts who are there twice, the second time under another of their addresses or with the phone alone."""
    crm_merged_share: float = 0.60
    """Duplicates that somebody merged later."""
    subscription_share: float = 0.05
    buys_at_sign_up_share: float = 0.55

    purchase_shape: float = 1.2
    purchase_mean: float = 1 / 42
    """Mean purchases per day while alive: gamma distributed, so that some buy weekly and many twice a year."""
    dropout_shape: float = 1.5
    dropout_scale: float = 150.0
    """Lifetimes are Lomax: P(alive after t) = (scale / (scale + t)) ** shape."""
    fading_days: float = 35.0
    """Visits and opens fall, over these days before the dropout, from 1 to `faded_level`, and afterwards to `gone_level`."""
    faded_level: float = 0.15
    gone_level: float = 0.03
    season_swing: float = 0.12
    """Demand at the height of winter above the mean of the year; as much below it in summer."""
    limited_stock: float = 0.012
    """Units of the limited roast per person: it is never reordered."""

    visit_base: float = 0.016
    visit_slope: float = 0.9
    """Idle visits a day when fully engaged: `visit_base` plus `visit_slope` times the purchase rate."""
    curious_share: float = 0.40
    """Chance of each of two visits before joining."""
    remembered_share: float = 0.60
    """Visits, after joining, of a browser that still knows the account."""
    click_visit_share: float = 0.90
    """Human clicks, other than on the link to unsubscribe, that lead to a visit."""
    prefers_phone_share: float = 0.45
    phone_visits_if_preferred: float = 0.90
    phone_visits_if_not: float = 0.20
    """Visits by phone."""
    abandoned_basket_share: float = 0.20
    """Idle visits that leave something in the basket."""
    abandoned_checkout_share: float = 0.25
    """Abandoned baskets that got as far as the checkout."""
    second_account_order_share: float = 0.5
    """Orders through the second account, once there is one."""

    test_order_share: float = 0.003
    discount_share: float = 0.18
    cancelled_share: float = 0.015
    refunded_share: float = 0.04
    full_refund_share: float = 0.6
    ticket_share: float = 0.035

    newsletter_weekdays: tuple[int, ...] = (1,)
    """Days of the legacy newsletter, Monday is 0."""
    open_mean: float = 0.30
    """Mean chance that a fully engaged person opens an email; the chances are Beta(2, 2 / mean - 2)."""
    click_share: float = 0.12
    """Mean chance that a fully engaged person who opened clicks; the chances are Beta(3, 3 / mean - 3)."""
    taste_slope: float = 1.8
    """An email about a category is opened and clicked 1 + slope * (share of the category in the taste - mean share) times as often."""
    hour_swing: float = 0.15
    """An email that is sent at the favourite hour is opened 1 + swing times as often, twelve hours off 1 - swing times."""
    prompt_share: float = 0.35
    """Opens soon after the arrival; the others wait for the favourite hour."""
    machine_open_share: float = 0.25
    """People whose mail program opens everything by itself."""
    scanner_share: float = 0.02
    """People whose mail gateway clicks links about `scanner_seconds` after the send."""
    scanner_seconds: float = 43.0
    """Median; log-normal with a deviation of 0.4."""
    scanner_all_share: float = 0.5
    """Gateways that click every link, the one to unsubscribe included; the others click the first two."""
    unsubscribe_share: float = 0.0008
    """Per delivered email when fully engaged; someone gone adds `fatigue_share`."""
    fatigue_share: float = 0.0020
    complaint_share: float = 0.0002
    tired_response: float = 0.90
    """Each other email of the last 7 days multiplies opens, clicks and effects on purchases by this, and adds `tired_leaving` of them
    to the chances of an unsubscribe and of a complaint."""
    tired_leaving: float = 0.50
    dead_mailbox_share: float = 0.010
    blocked_share: float = 0.003
    resubscribed_share: float = 0.10
    """Of those who unsubscribed: they enter the form again some weeks later."""
    import_share: float = 0.04
    """People whom an old import calls subscribed, besides all who have left the list by then."""
    import_from: float = 0.55
    """Share of the window after which it comes; 1 or more: never."""

    win_back_after: int = 45
    win_back_share: float = 0.5
    effects: Effects = (
        *effects_of("newsletter", desktop=0.004, phone=0.004, loyal=0.004, office=0.0),
        *effects_of("win_back", desktop=0.15, phone=0.08, loyal=0.0, office=-0.02),
        *effects_of("welcome", desktop=0.05, phone=0.05, loyal=0.0, office=0.0),
        *effects_of(ANY_FLOW, desktop=0.05, phone=0.03, loyal=0.0, office=-0.01),
    )
    """Added chance of one more purchase within 14 days of the email; below 0, the chance that the next own purchase of these days
    does not happen. Times `win_back_gone_factor` after the dropout, times `tired_response` for each other recent email."""
    win_back_gone_factor: float = 0.6
    loyal_rate: float = 1 / 18
    """Purchases per day from which someone counts as loyal."""

    drift_from: float = 1.0
    """Share of the window after which behaviour shifts by the next three; 1 or more: never."""
    drift_purchases: float = 1.0
    drift_visits: float = 1.0
    """Factors of the rates."""
    drift_phone_visits: float = 0.0
    """Visits by computer that become visits by phone."""

    objects: tuple[str, ...] = (
        "shopify/customers", "shopify/orders", "segment/events", "sendgrid/events", "plain/consents", "plain/assignments",
        "hubspot/contacts", "zendesk/tickets", "zendesk/users",
    )  # fmt: skip
    """What the systems form lands besides the products; support is `plain/tickets`, or `zendesk/tickets` and `zendesk/users`."""
    late_share: float = 0.005
    redelivered_share: float = 0.002
    broken_share: float = 1 / 5_000
    """Lines that an export broke off in the middle, beside the whole line; likewise the next three."""
    impossible_time_share: float = 1 / 20_000
    negative_price_share: float = 1 / 10_000
    changed_copy_share: float = 1 / 10_000
    """Rows that come again with the same key and other content."""
    redelivered_file_share: float = 0.01
    """Days of an object whose files come again a day later under another name."""
    cut_file_share: float = 0.01
    """Days on which a file of web events is also there cut off in the middle."""
    new_column_from: float = 0.5
    """Share of the window after which an object has one more column; 1 or more: never."""
    renamed_column_from: float = 0.7
    """Share of the window after which a column bears another name for `renamed_column_days`."""
    renamed_column_days: int = 2
    outage_source: str = "sendgrid"
    """The vendor whose files fail to come for `outage_days`; all rows come with the file of the day after."""
    outage_from: float = 0.6
    """Share of the window after which the outage begins."""
    outage_days: int = 2
