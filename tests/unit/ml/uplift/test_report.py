"""The verdict finds what was planted and claims nothing where nothing was."""

import numpy as np
import pyarrow as pa
import pytest

from ml.uplift.examples import make_examples
from ml.uplift.figures import draw_report
from ml.uplift.report import CANDIDATES, UpliftReport, report_uplift
from ml.uplift.rows import to_rows, to_table
from tests.unit.ml.uplift.planted import TIERS, harms_all, harms_silver, mail, nothing, table_of, young_only

MANY = 16_000


@pytest.fixture(scope="module")
def targeted() -> UpliftReport:
    return report_uplift(mail(young_only, size=MANY).examples, seed=2)


def test_a_planted_difference_is_found(targeted: UpliftReport) -> None:
    planted = mail(young_only, size=MANY)
    assert targeted.verdict == "target"
    assert targeted.best in CANDIDATES
    truth = {name: float(np.mean(planted.effect * (0.5 - targeted.places[name]))) for name in targeted.learners}
    assert (
        truth[targeted.best] > 0.75 * 0.02
    )  # the best ranking has .16 * .5 * .5 * .5, and a tenth of the ages is unknown
    for name, found in targeted.learners.items():
        assert found.qini.low - 0.002 <= truth[name] <= found.qini.high + 0.002


def test_the_report_names_what_targeting_would_give(targeted: UpliftReport) -> None:
    values = targeted.policies
    assert values["treat all"].low <= np.mean(0.20 + 0.08) <= values["treat all"].high
    assert values["treat none"].low <= 0.20 <= values["treat none"].high
    assert "response model" in targeted.reason
    assert "a single column ranks as well" in targeted.reason  # age alone tells who is moved, and the report says so


def test_who_buys_anyway_is_no_target() -> None:
    """The effect grows with the appetite: ranking by who buys is as good, so no learner is needed."""
    report = report_uplift(mail(lambda people: 0.08 / (1 + np.exp(-1.5 * people.appetite))).examples, seed=1)
    assert report.learners["response_model"].qini.low > 0
    assert report.verdict == "treat_all"


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_without_an_effect_everybody_is_treated(share: float) -> None:
    reports = [report_uplift(mail(nothing, size=2500, share=share, seed=seed).examples, seed=seed) for seed in range(8)]
    wrong = [found for found in reports if found.verdict != "treat_all" or found.harmed or found.below_the_rest]
    assert len(wrong) <= 1  # at 5 % each, two or more of eight come once in seventeen times, and never with these seeds


def test_a_harmed_segment_is_found_by_name() -> None:
    report = report_uplift(mail(harms_silver).examples, seed=1)
    assert report.harmed == ["tier: silver"]
    assert "leave out tier: silver" in report.reason
    found = {segment.name: segment.inside for segment in report.segments}
    assert {*found} == {f"tier: {tier}" for tier in TIERS}
    silver = found["tier: silver"]
    assert silver.low is not None
    assert silver.high is not None
    assert silver.low <= -0.08 <= silver.high


def test_a_segment_without_gain_is_named_as_the_first_to_go() -> None:
    report = report_uplift(mail(lambda people: np.where(people.tier == "gold", 0.0, 0.10), size=9000).examples, seed=1)
    assert report.harmed == []
    assert report.below_the_rest == ["tier: gold"]
    assert "tier: gold goes first" in report.reason


def test_a_difference_shows_with_five_percent_held_out() -> None:
    planted = mail(lambda people: np.where(people.age < 0, 0.25, 0.0), size=24_000, share=0.95)
    report = report_uplift(planted.examples, seed=1)
    assert report.verdict == "target"
    found = report.learners[report.best or "dr_ridge"]
    truth = float(np.mean(planted.effect * (0.5 - report.places[report.best or "dr_ridge"])))
    assert found.qini.low <= truth <= found.qini.high


def test_harm_to_all_says_treat_none() -> None:
    report = report_uplift(mail(harms_all).examples, seed=1)
    assert report.verdict == "treat_none"
    assert report.average.high is not None
    assert report.average.high < 0


def test_few_people_are_not_judged() -> None:
    report = report_uplift(mail(young_only, size=300).examples, seed=1)
    assert report.verdict == "treat_all"
    assert "not enough data" in report.reason
    assert report.learners == {}
    with pytest.raises(ValueError, match="nothing to draw"):
        draw_report(report)


def test_an_email_that_costs_more_than_it_gives_is_not_worth_sending() -> None:
    report = report_uplift(mail(young_only).examples, seed=2, cost=0.1)
    best = report.policies["t_learner above cost"]
    assert report.policies["treat all"].value < report.policies["treat none"].value < best.value


def test_order_of_rows_changes_nothing() -> None:
    table = table_of(young_only, size=2000)
    turned = table.take(pa.array(np.random.default_rng(1).permutation(2000)))
    keys = frozenset({"arm"})
    reports = [
        report_uplift(make_examples(one, outcome="bought", share=0.5, keys=keys), seed=1) for one in (table, turned)
    ]
    assert to_rows(reports[0]) == to_rows(reports[1])


def test_a_wrong_share_or_outcome_is_refused() -> None:
    table = table_of(nothing, size=100)
    with pytest.raises(ValueError, match="share"):
        make_examples(table, outcome="bought", share=1.0, keys=frozenset())
    with pytest.raises(ValueError, match="0 or 1"):
        make_examples(table, outcome="appetite", share=0.5, keys=frozenset({"arm"}))


def test_rows_say_every_number_once(targeted: UpliftReport) -> None:
    from datetime import date

    rows = to_rows(targeted)
    keys = [(row.measure, row.learner, row.part) for row in rows]
    assert len({*keys}) == len(keys)
    assert sum(row.measure == "tenth" for row in rows) == 40
    [verdict] = [row for row in rows if row.measure == "verdict"]
    assert (verdict.part, verdict.finding) == (targeted.verdict, targeted.reason)
    table = to_table(rows, as_of=date(2025, 3, 9), experiment="x", arm="a")
    assert table.num_rows == len(rows)


def test_the_picture_shows_every_ranking_and_tenth(targeted: UpliftReport) -> None:
    tenths, gains = draw_report(targeted).axes
    assert len(tenths.containers) == 10
    labels = [line.get_label() for line in gains.lines]
    assert [str(label).split(":")[0] for label in labels] == [*targeted.learners, "random"]
    end = gains.lines[0].get_ydata()
    assert np.asarray(end)[-1] == pytest.approx(targeted.effects.mean())


def test_an_unknown_word_is_a_segment_of_its_own() -> None:
    table = table_of(nothing, size=500)
    words = table["tier"].to_pylist()
    words[:200] = [None] * 200
    gap = table.set_column(table.schema.get_field_index("tier"), "tier", pa.array(words))
    examples = make_examples(gap, outcome="bought", share=0.5, keys=frozenset({"arm"}))
    assert (examples.segments["tier"] == "unknown").sum() == 200
