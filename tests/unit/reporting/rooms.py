"""Rooms with one of everything."""

from datetime import date, timedelta

from reporting.rooms import (
    ApprovalRow,
    BreakerRow,
    ChainFinding,
    ChainWeek,
    Limit,
    RampRow,
    ReasonCount,
    RiskRow,
    Rooms,
    SegmentCount,
)

DAY = date(2025, 6, 30)
MONDAY = date(2025, 6, 16)


def week(
    flow: str, back: int, *, dimension: str = "everyone", cohort: str = "all", sent: int = 1_000, complaints: int = 0
) -> ChainWeek:
    """A week of which nine in ten are delivered, a tenth clicked, half of those landed, and a tenth ordered."""
    return ChainWeek(
        flow, dimension, cohort, MONDAY + timedelta(days=7 - 7 * back), back > 0, sent, sent * 9 // 10, sent // 5, sent // 10,
        sent // 20, sent // 100, sent / 2, 5 / 9, sent // 50, complaints, sent // 200,
    )  # fmt: skip


def breaker(provider: str, *, emails: int, events: int, state: str) -> BreakerRow:
    """A breaker of complaints."""
    return BreakerRow(
        provider=provider, engagement="reacted_last_30_days", metric="complaints", email_count=emails, event_count=events,
        event_share=events / emails if emails else None, lowest_share=events / emails / 2 if emails else None, state=state,
        is_held=state == "hold", tripped_on=MONDAY if state == "rolled_back" else None,
    )  # fmt: skip


ROOMS = Rooms(
    chain=(
        week("welcome", 2, sent=500),
        week("welcome", 1),
        week("welcome", 0, sent=800),
        week("win_back", 0, sent=100),
        week("welcome", 1, dimension="provider", cohort="mailbox_at_gmail", sent=600, complaints=6),
        week("welcome", 0, dimension="provider", cohort="mailbox_at_gmail", sent=400),
        week("welcome", 1, dimension="provider", cohort="mailbox_elsewhere", sent=400, complaints=4),
        week("welcome", 6, dimension="provider", cohort="mailbox_at_yahoo", sent=400, complaints=99),
    ),
    contradictions=(ChainFinding("welcome", "all", "high", "welcome: opens rose from 1.00 % to 2.00 %."),),
    reasons=(
        ReasonCount("welcome", "1", "suppressed", "no_consent", 50),
        ReasonCount("win_back", "1", "suppressed", "no_consent", 10),
        ReasonCount("welcome", "1", "suppressed", "unsubscribed", 5),
        ReasonCount("welcome", "1", "capped", "cap_7_days", 10),
        ReasonCount("welcome", "1", "held_out", "holdout", 5),
        ReasonCount("welcome", "1", "sent", None, 20),
    ),
    segments=(
        SegmentCount(
            "lapsed_buyers",
            20,
            0,
            0,
            0,
            7,
            5,
            "weekly",
            50,
            DAY + timedelta(days=9),
            "try once more",
            "team:lifecycle",
            [20],
        ),
        SegmentCount(
            "repeat_buyers",
            400,
            12,
            3,
            1,
            2,
            0,
            "daily",
            50,
            date(2027, 12, 31),
            "thank them",
            "team:lifecycle",
            [100, 300, 400],
        ),
    ),
    risks=(
        RiskRow(
            DAY, "approval", "all", "none", "lifecycle_marketing_lead", None, None, "no approval ends within 30 days"
        ),
        RiskRow(
            DAY,
            "deliverability",
            "mailbox_at_gmail",
            "high",
            "deliverability_lead",
            0.004,
            0.003,
            "complaints are 0.40%",
        ),
        RiskRow(DAY, "contradiction", "welcome all", "high", "lifecycle_marketing_lead", 0.02, 0.01, "said above too"),
    ),
    approvals=(
        ApprovalRow("flow/welcome", "lifecycle_marketing_lead", date(2025, 1, 6), DAY + timedelta(days=12), None),
        ApprovalRow("flow/win_back", None, None, None, "not_approved"),
        ApprovalRow("model/churn_risk", "lead", date(2025, 1, 6), DAY, "changed_since_approval"),
    ),
    limits=(Limit("complaints", 0.0005, 0.001),),
    breakers=(
        breaker("mailbox_at_apple", emails=900, events=1, state="closed"),
        breaker("mailbox_at_gmail", emails=2_000, events=8, state="hold"),
        breaker("mailbox_at_yahoo", emails=0, events=0, state="rolled_back"),
    ),
    ramps=(
        RampRow("nurture", 1, 2, "ramping", MONDAY, 700, "700 of at least 1,000 emails"),
        RampRow("welcome", 0, 2, "held", MONDAY, 0, "held: another salt begins the ramp anew"),
        RampRow("win_back", 2, 2, "ramping", MONDAY, 44, "44 of at least 3,000 emails", "offer", "free_shipping"),
    ),
    playbook_version="0123456789ab",
    playbook_since=date(2025, 3, 1),
)
