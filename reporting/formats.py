"""Numbers and dates as text."""

from datetime import UTC, date, datetime

from reporting.data import Unit

NOTHING = "\N{EN DASH}"
SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$"}
MINUS = "\N{MINUS SIGN}"
SMALL = 1e-4
WHOLE = 1000
HOUR = 60
DAY = 1440


def integer(value: float | None) -> str:
    """A whole number with thousands separators."""
    return NOTHING if value is None else f"{value:,.0f}".replace("-", MINUS)


def percent(value: float | None, digits: int = 1) -> str:
    """A share 0-1 as per cent."""
    return NOTHING if value is None else f"{100 * value:,.{digits}f} %".replace("-", MINUS)


def mean(value: float | None, unit: Unit, currency: str) -> str:
    """An average per person in the unit of its metric."""
    if value is None:
        return NOTHING
    if unit == "share":
        return percent(value, 2)
    return _amount(value, currency) if unit == "amount" else f"{value:,.3f}".replace("-", MINUS)


def difference(value: float | None, unit: Unit, currency: str) -> str:
    """A signed difference of two averages; shares differ by points."""
    if value is None:
        return NOTHING
    sign = "+" if value >= 0 else MINUS
    if unit == "share":
        return f"{sign}{abs(100 * value):.2f} pts"
    size = _amount(abs(value), currency) if unit == "amount" else f"{abs(value):,.3f}"
    return f"{sign}{size}"


def tick(value: float, unit: Unit, currency: str) -> str:
    """A round difference on an axis, no longer than it must be."""
    if value == 0:
        return "0"
    sign, size = "+" if value > 0 else MINUS, abs(value)
    if unit == "share":
        return f"{sign}{100 * size:.10g} pts"
    return f"{sign}{SYMBOLS.get(currency, '')}{size:.10g}" if unit == "amount" else f"{sign}{size:.10g}"


def interval(low: float | None, high: float | None, unit: Unit, currency: str) -> str:
    """Both ends of an interval, signed."""
    if low is None or high is None:
        return NOTHING
    return f"{difference(low, unit, currency)} to {difference(high, unit, currency)}"


def probability(value: float | None) -> str:
    """A p-value; below 0.0001 only that it is."""
    if value is None:
        return NOTHING
    return f"< {SMALL:.4f}" if value < SMALL else f"{value:.4f}"


def day(value: date | None) -> str:
    """A day as 3 Mar 2025."""
    return NOTHING if value is None else f"{value.day} {value:%b %Y}"


def moment(value: datetime | None) -> str:
    """A time as 3 Mar 2025, 06:12 UTC."""
    return NOTHING if value is None else f"{day(value)}, {value:%H:%M} UTC"


def age(since: datetime | None, now: datetime) -> str:
    """How long ago something was, in the largest unit that fits; naive times are UTC."""
    if since is None:
        return NOTHING
    minutes = max(0, round((_utc(now) - _utc(since)).total_seconds() / 60))
    if minutes < HOUR:
        return f"{minutes} min"
    return f"{minutes // HOUR} h" if minutes < 2 * DAY else f"{minutes // DAY} days"


def _amount(value: float, currency: str) -> str:
    number = f"{abs(value):,.0f}" if abs(value) >= WHOLE else f"{abs(value):,.2f}"
    symbol = SYMBOLS.get(currency)
    text = f"{symbol}{number}" if symbol else f"{number} {currency}".strip()
    return MINUS + text if value < 0 else text


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
