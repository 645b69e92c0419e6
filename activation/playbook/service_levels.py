"""`service_levels.yml`: what each source promises of its landings, and from when decisions do without it."""

from typing import Annotated

from pydantic import Field, StringConstraints

from activation.playbook.parts import Name, Part, Share

HOURS = {"h": 1, "d": 24}

Duration = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*[hd]$")]


class ServiceLevel(Part):
    """The level of one source.

    Attributes:
        expected_every: A file of each of its feeds lands this often, such as `1d`.
        late_after: From an event to the end of the day on which it lands, such as `24h`: more is late. It is also the grace that
            decisions give a source whose file does not come.
        max_bad_share: Share of refused rows in a feed's day beyond which nobody is sent; the facts are kept all the same.
    """

    source: Name
    expected_every: Duration
    late_after: Duration
    max_bad_share: Share

    @property
    def expected_every_hours(self) -> int:
        """Hours from file to file."""
        return _hours(self.expected_every)

    @property
    def late_after_hours(self) -> int:
        """Hours after which an event is late."""
        return _hours(self.late_after)

    def is_stale(self, age_days: int | None) -> bool:
        """Whether decisions do without a source of that age; one that never landed (None) is stale."""
        return age_days is None or 24 * age_days > self.expected_every_hours + self.late_after_hours


class ServiceLevels(Part):
    """`service_levels.yml`."""

    sources: tuple[ServiceLevel, ...] = Field(min_length=1)


def _hours(duration: str) -> int:
    return int(duration[:-1]) * HOURS[duration[-1]]
