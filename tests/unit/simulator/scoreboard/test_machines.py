"""Machine events are found through the provider's flag until the platform has a layer of its own."""

from simulator.scoreboard.machines import score_machines
from tests.unit.simulator.scoreboard.conftest import DAY, Shop


def land(shop: Shop) -> None:
    shop.plant(machine_events=[("m1", "machine_open"), ("m2", "machine_open"), ("s1", "scanner_click")])
    shop.land(
        staging__base_sendgrid__events=[
            (f"row-{name}", name, DAY, "staged", None, None, None) for name in ("m1", "m2", "s1", "h1", "h2")
        ],
        intermediate__int_email_events__unioned=[
            ("sendgrid:row-m1", "opened", DAY, DAY, "x", "1", True),
            ("sendgrid:row-m2", "opened", DAY, DAY, "x", "2", False),
            ("sendgrid:row-s1", "clicked", DAY, DAY, "x", "2", None),
            ("sendgrid:row-h1", "opened", DAY, DAY, "x", "3", True),
            ("sendgrid:row-h2", "clicked", DAY, DAY, "x", "3", False),
            ("sendgrid:row-d", "delivered", DAY, DAY, "x", "3", True),
        ],
    )


def test_flag_is_held_against_opens_and_clicks(shop: Shop) -> None:
    land(shop)

    score = score_machines(shop.connection, DAY)

    assert score is not None
    assert not score.is_own_layer
    assert (score.planted, score.called, score.right) == (3, 2, 1)
    assert (score.precision, score.recall) == (1 / 2, 1 / 3)


def test_layer_of_the_platform_goes_before_the_flag(shop: Shop) -> None:
    land(shop)
    layer = "intermediate.int_email_events__classified"
    shop.connection.execute(
        f"create table {layer} as select * exclude (is_machine), event_key like '%-h%' as is_human"
        " from intermediate.int_email_events__unioned"
    )

    score = score_machines(shop.connection, DAY)

    assert score is not None
    assert (score.layer, score.is_own_layer) == (layer, True)
    assert (score.precision, score.recall) == (1, 1)


def test_warehouse_without_a_classification_is_said_to_have_none(shop: Shop) -> None:
    shop.plant()
    shop.connection.execute("drop table intermediate.int_email_events__unioned")

    assert score_machines(shop.connection, DAY) is None
