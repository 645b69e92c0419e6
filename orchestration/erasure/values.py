"""Values of a record as the identifiers that tombstones hash; the same rules as the macros `identifier_text` and `bears_tombstone`."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from activation.state.erasure import Tombstone, salted
from orchestration.erasure.lineage import STRONG, WEAK, LandedColumn, PersonalColumn
from orchestration.normalise import normalise_email, normalise_phone

MENTION: Final = re.compile(r'[^\s",;:<>()\[\]{}\\]+@[^\s",;:<>()\[\]{}\\]+')
STEP: Final = re.compile(r'"([^"]+)"|([^.\[\]"]+)|\[(\d+)\]')
PLATFORM_HASHES: Final = frozenset({"mailbox_hash", "identifier_hash"})


@dataclass(frozen=True)
class Matcher:
    """Knows by tombstones whose a record is.

    Attributes:
        tombstones: All of them.
        salt: HOLDFAST_SALT.
        vendor: Whose ids the records hold; None where they are the platform's own.
        columns: The personal columns, each with the keys that lead to its value in a record.
    """

    tombstones: Collection[Tombstone]
    salt: str
    vendor: str | None
    columns: tuple[tuple[tuple[str | int, ...], str], ...]

    def is_erased(self, record: Mapping[str, Any]) -> bool:
        """Whether a record is an erased person's: a phone or device counts only where nobody else is named."""
        values = [(kind, text) for keys, kind in self.columns if (text := _text(record, keys))]
        if any(kind in STRONG and self.matches(kind, text) for kind, text in values):
            return True
        is_named = any(kind in STRONG and kind != "order_key" for kind, _ in values)
        return not is_named and any(kind in WEAK and self.matches(kind, text) for kind, text in values)

    def matches(self, kind: str, text: str) -> bool:
        """Whether a value, or one of several between semicolons, bears a tombstone."""
        if kind in PLATFORM_HASHES:
            return any(tombstone.hash == text for tombstone in self.tombstones)
        parts = {text, *text.split(";")}
        known = (identifier_text(kind, part, self.vendor) for part in parts)
        return any(Tombstone(kind, _salted(self.salt, value)) in self.tombstones for value in known if value)  # type: ignore[arg-type]


def matcher_of_landed(
    tombstones: Collection[Tombstone], salt: str, *, vendor: str, columns: Iterable[LandedColumn], is_json: bool
) -> Matcher:
    """A matcher for the records of a landed file."""
    kinds = STRONG | WEAK
    places = (
        (place, column.kind)
        for column in columns
        if column.kind in kinds
        for place in (map(_keys, column.paths) if is_json else ((name.lower(),) for name in column.headers))
    )
    return Matcher(tombstones, salt, vendor, tuple(places))


def matcher_of_table(tombstones: Collection[Tombstone], salt: str, *, columns: Iterable[PersonalColumn]) -> Matcher:
    """A matcher for the rows of a file that the platform wrote."""
    found = tuple(((column.name.lower(),), column.kind) for column in columns if column.kind in STRONG | WEAK)
    return Matcher(tombstones, salt, None, found)


def identifier_text(kind: str, text: str, vendor: str | None) -> str | None:
    """A value as the identifier that tombstones hash."""
    match kind:
        case "email":
            return normalise_email(text)
        case "phone":
            return normalise_phone(text)
        case "profile_key" | "order_key" if vendor:
            return f"{vendor}:{text.strip()}"
        case _:
            return text.strip()


def mentions(text: str, tombstones: Collection[Tombstone], salt: str) -> Iterator[str]:
    """The addresses of erased people that stand in a text."""
    for found in MENTION.findall(text.lower()):
        address = normalise_email(found)
        if address and ("email", salted(salt, address)) in tombstones:
            yield found


def redacted(text: str, tombstones: Collection[Tombstone], salt: str) -> str:
    """The text without the addresses of erased people."""
    for address in set(mentions(text, tombstones, salt)):
        text = re.sub(re.escape(address), "erased", text, flags=re.IGNORECASE)
    return text


def _keys(path: str) -> tuple[str | int, ...]:
    steps = STEP.findall(path.removeprefix("$"))
    return tuple(int(index) if index else quoted or plain for quoted, plain, index in steps)


def _text(record: Any, keys: tuple[str | int, ...]) -> str | None:
    for key in keys:
        if isinstance(key, int):
            record = record[key] if isinstance(record, list) and key < len(record) else None
        else:
            record = record.get(key) if isinstance(record, Mapping) else None
    return None if record is None or record == "" else str(record)


@lru_cache(maxsize=1 << 16)
def _salted(salt: str, value: str) -> str:
    return salted(salt, value)
