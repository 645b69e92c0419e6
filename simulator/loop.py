"""Goes on with a shop day by day: people react to what the platform released, and the day's files contain it."""

from datetime import date, timedelta
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from simulator.aftermath import read_released
from simulator.shop import Summary, simulate
from simulator.truth import read_world


def step(*, truth: Path, day: date, released: Path, out: Path, workers: int = 1) -> Summary:
    """Land one day after the window of a shop.

    The day is a pure function of the shop's truth and the lists released for send dates up to it: it can be landed again, and
    landing day after day writes what landing them together would. The truth is told anew with what all emails do.

    Args:
        truth: Folder to which `simulate` told the truth of a shop in the systems form.
        day: The day to land, at most `future` days after the window.
        released: Folder of send lists, `<send_date>/released/send_list.parquet`.
        out: The landing zone.
        workers: Processes that work at the same time.

    Returns:
        Counts of what was written.

    Raises:
        ValueError: If the folder holds no such truth, or the day does not lie in the future of its window.
    """
    if not (truth / "world.json").is_file():
        message = f"{truth} holds no truth: give the folder that `holdfast simulate --truth` wrote"
        raise ValueError(message)
    told = read_world(truth)
    first, last = (told.start + timedelta(days=days) for days in (told.window.days, told.window.until - 1))
    if not first <= day <= last:
        message = f"{day} is not among the days after the shop's window, {first} to {last}"
        raise ValueError(message)
    if told.form != "systems":
        message = f"a shop in {told.form} cannot go on day by day: simulate one in the form of the systems"
        raise ValueError(message)
    number = (day - told.start).days
    faults = pq.read_table(truth / "faults.parquet")
    elsewhere = pc.invert(pc.match_substring(faults["file"], f"landed_on={day}"))
    return simulate(
        customers=told.customers, days=told.window.days, future=told.window.future, seed=told.seed, start=told.start,
        world=told.world, form=told.form, out=out, truth=truth, workers=workers, only=range(number, number + 1),
        released=read_released(released), kept_faults=faults.filter(elsewhere),
    )  # fmt: skip
