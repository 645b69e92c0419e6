"""Identifiers in one form. dbt's macros of the same names do in SQL what SQL can do, and ask these functions for the rest.

`Plugin` gives the functions to every connection that dbt-duckdb opens, so that plain `dbt` has them too.
"""

import re
from functools import lru_cache
from typing import Final

import idna
import phonenumbers
import pycountry
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection
from duckdb.func import FunctionNullHandling

BLANK: Final = "\t\n\v\f\r \u00a0\u200b\u200c\u200d\u2060\ufeff"
ADDRESS: Final = re.compile(
    r"[!#-\'*+./-9=?A-Z^-~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])"
)
LONGEST_ADDRESS: Final = 254
SHORTEST_PHONE: Final = 7
EXTENSION: Final = re.compile(r"\s*(x|ext\.?|extension)\s*[0-9]*$", re.IGNORECASE)
DIALLED: Final = re.compile(rf"^00(?=[1-9][0-9]{{{SHORTEST_PHONE - 1}}})")
E164: Final = phonenumbers.PhoneNumberFormat.E164
ISO_CODE: Final = re.compile(r"[A-Z]{2}")
CALLED: Final = {
    "UK": "GB",
    "ENGLAND": "GB",
    "SCOTLAND": "GB",
    "WALES": "GB",
    "NORTHERN IRELAND": "GB",
    "U.S.": "US",
    "U.S.A.": "US",
}


class Plugin(BasePlugin):  # type: ignore[misc] # dbt has no types
    """The functions for dbt-duckdb, under names that no macro has."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Register the functions on a new connection."""
        for name, function, arguments in (
            ("address_of", normalise_email, 1),
            ("phone_of", normalise_phone, 2),
            ("country_of", normalise_country, 1),
        ):
            conn.create_function(
                name, function, ["VARCHAR"] * arguments, "VARCHAR", null_handling=FunctionNullHandling.SPECIAL
            )


def normalise_email(text: str | None) -> str | None:
    """A mailbox's address: lower case, without blanks around it, `mailto:` and the domain's trailing dots, its domain in ASCII.

    Args:
        text: As it landed.

    Returns:
        The address, under 255 characters; None when the text cannot be one that every mail server takes (RFC 5321, RFC 5891).
    """
    if text is None:
        return None
    local, at, domain = re.sub("^mailto:", "", text.strip(BLANK), flags=re.IGNORECASE).rpartition("@")
    domain = domain.rstrip(".")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode()
        except (idna.IDNAError, UnicodeError):
            return None
    address = f"{local}{at}{domain}".lower()
    return address if len(address) <= LONGEST_ADDRESS and address.isascii() and ADDRESS.fullmatch(address) else None


def normalise_phone(text: str | None, country: str | None = None) -> str | None:
    """A phone number in E.164; its digits where its country is not known; None when there are fewer than seven.

    Args:
        text: As it landed.
        country: Of whoever gave it, in any form; for numbers that name no country.
    """
    if text is None:
        return None
    written = EXTENSION.sub("", text.strip(BLANK + "'"))
    digits = re.sub(r"[^0-9]", "", written)
    if len(digits) < SHORTEST_PHONE:
        return None
    plain = "+" + digits if written.startswith("+") else DIALLED.sub("+", digits)
    try:
        number = phonenumbers.parse(plain, normalise_country(country))
    except phonenumbers.NumberParseException:
        return plain
    # A country is only guessed for a number that it has: a placeholder stays as it was written, and is blocked as such.
    is_one = phonenumbers.is_possible_number(number) if plain.startswith("+") else phonenumbers.is_valid_number(number)
    return phonenumbers.format_number(number, E164) if is_one else plain


@lru_cache(maxsize=1 << 14)
def normalise_country(text: str | None) -> str | None:
    """A country's ISO 3166 alpha-2 code from its code or English name; None when it is no country's."""
    if text is None:
        return None
    name = text.strip(BLANK)
    code = CALLED.get(name.upper())
    if code is not None:
        return code
    if ISO_CODE.fullmatch(name):
        return name
    try:
        return str(pycountry.countries.lookup(name).alpha_2)
    except LookupError:
        return None
