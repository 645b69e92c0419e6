"""The parameters of the shop: what a test may hold the landed files against."""

from dataclasses import dataclass


@dataclass(frozen=True)
class World:
    """Every rate that shapes people and their files; times in days unless said otherwise."""

    existing_share: float = 0.45
    """People who were customers before the first day; the others join evenly through the window."""
    consent_share: float = 0.60
    double_opt_in_share: float = 0.35
    confirmed_share: float = 0.85
    guest_share: float = 0.08
    guest_checkout_share: float = 0.06
    """Orders of people with an account that they place without signing in."""
    second_mailbox_share: float = 0.05
    household_share: float = 0.02
    """People who use the mailbox of the person they live with."""
    info_people: int = 12
    kiosk_share: float = 0.012
    phone_share: float = 0.70
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

    phone_visit_share: float = 0.55
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

    open_mean: float = 0.30
    click_share: float = 0.12
    """Human clicks per human open of someone fully engaged."""
    machine_open_share: float = 0.25
    """People whose mail program opens everything by itself."""
    scanner_share: float = 0.02
    """People whose mail gateway clicks every link about 43 seconds after delivery."""
    unsubscribe_share: float = 0.0008
    """Per delivered email when fully engaged; someone gone adds `fatigue_share`."""
    fatigue_share: float = 0.0020
    complaint_share: float = 0.0002
    dead_mailbox_share: float = 0.010
    blocked_share: float = 0.003

    win_back_after: int = 45
    win_back_share: float = 0.5
    win_back_effect: float = 0.15
    """Added chance of one more purchase within 14 days of the win-back email; `win_back_gone_factor` of it after the dropout."""
    win_back_gone_factor: float = 0.6

    objects: tuple[str, ...] = (
        "shopify/customers", "shopify/orders", "segment/events", "sendgrid/events", "plain/tickets", "plain/consents",
        "plain/assignments",
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
