"""`holdfast erase`: shows what an erasure would do, asks, and does it."""

import getpass
import sys

import click

from orchestration.resources import UserError, prepare_home


def run_erasure(address: str, *, customer: str | None, reason: str, is_confirmed: bool, is_dry: bool) -> None:
    """Erase the customer of an address, after showing where what would go.

    Args:
        address: As the operator typed it.
        customer: Which customer, where several share the address.
        reason: For the audit log.
        is_confirmed: Do not ask.
        is_dry: Show only.

    Raises:
        UserError: The address is none, is shared, or nobody confirmed.
        ResidueFound: Something of the person is left.
    """
    settings = prepare_home()

    from orchestration.erasure.erase import erase, preview
    from orchestration.preflight import check_warehouse
    from orchestration.runs import open_instance, run_alone

    check_warehouse(settings)
    with open_instance(settings) as instance:
        found = run_alone(instance, "erase_preview", lambda: preview(settings, address, customer=customer))
        click.echo("\n".join(["would be erased:", *found.lines()]))
        if is_dry:
            return
        _ask(is_confirmed=is_confirmed)
        done = run_alone(
            instance,
            "erase",
            lambda: erase(settings, address, customer=customer, requested_by=getpass.getuser(), reason=reason),
        )
    rows = sum(done.counts.values())
    click.echo(f"erased {rows:,} rows in {sum(map(bool, done.counts.values()))} places; nothing is left of this person")
    click.echo(f"tombstones    {settings.state / 'state.sqlite'}: a file with this person that lands again is refused")
    click.echo("next          `holdfast run --date D` stages the changed files again")


def _ask(*, is_confirmed: bool) -> None:
    if is_confirmed:
        return
    if not sys.stdin.isatty():
        message = "this cannot be undone: say --yes to erase, or --dry-run to look"
        raise UserError(message)
    click.confirm("this cannot be undone; erase?", abort=True)
