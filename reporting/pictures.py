"""Who is whom as SVG images of their own, for readers other than the page."""

from reporting import formats
from reporting.data import Whom
from reporting.definitions import spoken
from reporting.site import own_text, templates
from reporting.whom import bars_of, portraits_of


def draw_sizes(whom: Whom) -> str:
    """Customers by number of profiles, as bars."""
    return _draw("sizes.svg.j2", bars=bars_of(whom), f=formats)


def draw_customers(whom: Whom) -> dict[str, str]:
    """The largest customers as graphs with their cut values, by the sentence that describes each."""
    return {
        f"{portrait.network.customer_id}: {portrait.sentence}": _draw("customer.svg.j2", portrait=portrait)
        for portrait in portraits_of(whom)
    }


def _draw(name: str, **values: object) -> str:
    style = own_text("colours.css") + own_text("network.css")
    return templates().get_template(name).render(style=style, spoken=spoken, **values)
