"""One form per identifier: SQL and Python agree, a second pass changes nothing, and no text is both an address and a fault."""

from collections.abc import Callable, Iterator

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader

from orchestration.normalise import BLANK, Plugin, normalise_country, normalise_email, normalise_phone
from orchestration.resources import ROOT

Query = Callable[..., tuple[object, ...]]

MACROS = Environment(loader=FileSystemLoader(ROOT / "dbt_project" / "macros" / "staging"), autoescape=False)  # noqa: S701 (SQL)
PIECES = st.sampled_from(
    [
        "a",
        "Ada",
        "b.c",
        "+news",
        "@",
        "@x.org",
        "@Example.COM",
        "@bücher.example",
        ".",
        "..",
        " ",
        "\t",
        "\u00a0",
        "mailto:",
        "<",
        ">",
        ",",
        ";",
        "İ",
        "ß",
        "'",
        "-",
    ]
)
ADDRESSES = st.lists(PIECES, max_size=7).map("".join) | st.emails() | st.text(max_size=20)
PHONES = st.text("0123456789+-() '.x", max_size=18) | st.sampled_from(
    ["+44 20 7946 0958", "(201) 555-0123", "0049 30 123456"]
)
COUNTRIES = st.sampled_from([None, "DE", "United States", "uk", "Atlantis", "GBR"])


def macro(file: str, name: str, *arguments: str) -> str:
    return str(getattr(MACROS.get_template(file).module, name)(*arguments))


@pytest.fixture(scope="module")
def query() -> Iterator[Query]:
    with duckdb.connect() as connection:
        Plugin("normalise", {}).configure_connection(connection)
        selected = (
            macro("normalise_email.sql", "address", "text"),
            f"{macro('normalise_phone.sql', 'normalise_phone', 'text', 'country')} as phone",
            f"{macro('normalise_country.sql', 'normalise_country', 'text')} as country_code",
        )
        statement = f"select {', '.join(selected)} from (select $text::varchar as text, $country::varchar as country)"
        yield lambda text, country=None: connection.execute(statement, {"text": text, "country": country}).fetchall()[0]


@given(text=ADDRESSES)
def test_sql_and_python_read_the_same_address_and_read_it_once(query: Query, text: str) -> None:
    address, address_again, fault, *_ = (*query(text)[:1], normalise_email(text), *query(text)[1:])
    assert address == address_again
    assert (address is None) == (fault is not None)
    if address is not None:
        assert normalise_email(str(address)) == address
        assert query(address)[0] == address


@given(text=PHONES, country=COUNTRIES)
@example(text="0010000", country=None)
def test_sql_and_python_read_the_same_number_and_read_it_once(query: Query, text: str, country: str | None) -> None:
    number = query(text, country)[2]
    assert number == normalise_phone(text, country)
    if number is not None:
        assert query(number, country)[2] == number


@given(text=st.text(max_size=12) | COUNTRIES.filter(bool))
def test_sql_and_python_read_the_same_country(query: Query, text: str) -> None:
    code = query(text)[3]
    assert code == normalise_country(text)
    if code is not None:
        assert normalise_country(str(code)) == code


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (f"{BLANK}Ada.Lovelace+Books@Example.ORG.{BLANK}", "ada.lovelace+books@example.org"),
        ("mailto:ada@example.org", "ada@example.org"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),  # RFC 3492's own word
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("o'hara@example.org", "o'hara@example.org"),
    ],
)
def test_address_is_read(text: str, address: str) -> None:
    assert normalise_email(text) == address


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("5d41402abc4b2a76b9719d911017c592", "hashed"),
        ("ada.example.org", "no_at_sign"),
        ("Ada <ada@example.org>", "display_name"),
        ("ada@example.org, ben@example.org", "several_addresses"),
        ("ada@example", "no_domain"),
        ("ada @example.org", "inner_space"),
        ("ädä@example.org", "not_ascii"),
        ("a" * 65 + "@example.org", "too_long"),
        ("ada@-example.org", "malformed"),
        (None, None),
    ],
)
def test_text_that_is_no_address_has_a_class(query: Query, text: str | None, fault: str | None) -> None:
    assert query(text)[:2] == (None, fault)


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("+44 (0)20 7946 0958", None, "+442079460958"),  # a number that Ofcom keeps for fiction
        ("020 7946 0958", "United Kingdom", "+442079460958"),
        ("0044 20 7946 0958", None, "+442079460958"),
        ("(201) 555-0123", "US", "+12015550123"),  # a number kept for fiction by the North American plan
        ("'+12015550123", None, "+12015550123"),
        ("201-555-0123", None, "2015550123"),
        ("12 34", "US", None),
        ("0000000000", "GB", "0000000000"),
    ],
)
def test_number_is_read_in_its_country(text: str, country: str | None, number: str | None) -> None:
    assert normalise_phone(text, country) == number


@pytest.mark.parametrize(
    ("text", "code"), [("Germany", "DE"), ("DEU", "DE"), ("uk", "GB"), (" us ", "US"), ("Atlantis", None), ("", None)]
)
def test_country_is_read(text: str, code: str | None) -> None:
    assert normalise_country(text) == code
