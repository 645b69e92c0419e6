"""Links between profiles that share no identifier: proposed by a Fellegi-Sunter model that is trained without labels.

The model: Fellegi and Sunter (1969), "A Theory for Record Linkage"; its training by Splink: Linacre et al. (2022),
"Splink: Free software for probabilistic record linkage at scale".
"""

import logging
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from splink import DuckDBAPI

from ml.identity.accept import Pair, accept
from ml.identity.block import candidate_pairs, training_blocks
from ml.identity.compare import comparable_traits
from ml.identity.components import label
from ml.identity.score import Scorer, probability_of
from ml.identity.weigh import train

FEWEST_PROFILES = 50  # below it, agreement by chance and by identity cannot be told apart
MOST_CUSTOMERS = 100  # that are compared all with all
LINKS = pa.schema(
    [
        ("left_key", pa.string()),
        ("right_key", pa.string()),
        ("probability", pa.float64()),
        ("match_weight", pa.float64()),
    ]
)

LIKELY = """
select one.customer_no as left, other.customer_no as right, max(evidence) as evidence
from scored
inner join candidates as one on scored.left_no = one.unique_id
inner join candidates as other on scored.right_no = other.unique_id
where evidence + $prior >= 0
group by all order by all
"""
# Customers of one neighbourhood are compared all with all, so that no pair counts as unknown that no block happened to hold.
NEIGHBOURS = """
create or replace table neighbours as
select least(one.unique_id, other.unique_id) as left_no, greatest(one.unique_id, other.unique_id) as right_no
from neighbourhoods as left_side
inner join neighbourhoods as right_side
    on left_side.neighbourhood = right_side.neighbourhood and left_side.customer_no < right_side.customer_no
inner join candidates as one on left_side.customer_no = one.customer_no
inner join candidates as other on right_side.customer_no = other.customer_no
"""
BEST = """
select least(one.customer_no, other.customer_no) as left, greatest(one.customer_no, other.customer_no) as right,
    evidence + $prior as weight, personal, left_no, right_no
from rescored
inner join candidates as one on rescored.left_no = one.unique_id
inner join candidates as other on rescored.right_no = other.unique_id
qualify row_number() over (partition by least(one.customer_no, other.customer_no),
    greatest(one.customer_no, other.customer_no) order by weight desc, left_no, right_no) = 1
order by left_no, right_no
"""
ACCOUNTS = """
select candidates.customer_no, accounts.source, list(distinct account)
from accounts inner join candidates using (profile_key) group by all order by all
"""
DECIDED = """
select distinct one.customer_no, other.customer_no
from decided
inner join candidates as one on decided.left_key = one.profile_key
inner join candidates as other on decided.right_key = other.profile_key
"""


class Proposals(NamedTuple):
    """What is proposed.

    Attributes:
        links: left_key < right_key, probability, match_weight (log2 odds); by falling weight.
        reason: Why there is none; empty if there are some.
        traits: Those that were compared.
        dropped: Those that could not be trained.
        candidates: Pairs that were scored.
    """

    links: pa.Table
    reason: str = ""
    traits: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    candidates: int = 0


def propose_links(
    profiles: pa.Table,
    engine: DuckDBAPI,
    *,
    probability: float,
    accounts: pa.Table | None = None,
    decided: pa.Table | None = None,
    seed: int = 1,
) -> Proposals:
    """Propose links between profiles of different customers.

    Args:
        profiles: profile_key (each once), source, customer_id, and any of first_name, last_name, date_of_birth, email,
            phone, address, postcode, city, region; null is unknown.
        engine: An empty one in memory: tables are created in it.
        probability: Least probability of a link.
        accounts: profile_key, source, account: no link joins customers of two accounts of one source.
        decided: left_key, right_key: profiles whose customers are never linked: held apart, or proposed before.
        seed: Of the sample of random pairs.
    """
    nothing = LINKS.empty_table()
    if profiles.num_rows < FEWEST_PROFILES:
        return Proposals(nothing, f"{profiles.num_rows} profiles are too few to learn from")
    connection = engine.duckdb_con
    connection.register("profiles", profiles)
    traits = comparable_traits(connection, "profiles")
    names = tuple(trait.name for trait in traits)
    if len(traits) < 2:
        return Proposals(nothing, "fewer than two traits are filled", names)
    count = profiles.num_rows
    logging.getLogger("splink").setLevel(logging.ERROR)
    candidates = engine.register("candidates")
    model = train(candidates, traits, training_blocks(connection, traits), count=count, seed=seed)
    trained = tuple(name for name in names if name not in model.dropped)
    if len(trained) < 2:
        return Proposals(nothing, "training found no matches to learn from", trained, model.dropped)
    pairs = candidate_pairs(connection, traits)
    scorer = Scorer(engine, candidates, model)
    scorer.score("pairs", into="scored")
    prior = scorer.prior("scored", count=count)
    accepted = _accept(scorer, prior, probability, accounts, decided)
    reason = "" if accepted else "no pair is likely enough"
    return Proposals(_tabulate(connection, accepted), reason, trained, model.dropped, pairs)


def _accept(
    scorer: Scorer, prior: float, probability: float, accounts: pa.Table | None, decided: pa.Table | None
) -> list[Pair]:
    connection = scorer.engine.duckdb_con
    likely = connection.execute(LIKELY, {"prior": prior}).to_arrow_table()
    if not likely.num_rows:
        return []
    connection.register("neighbourhoods", neighbourhoods(likely, most=MOST_CUSTOMERS))
    connection.execute(NEIGHBOURS)
    scorer.score("neighbours", into="rescored")
    pairs = [Pair(*row) for row in connection.execute(BEST, {"prior": prior}).fetchall()]
    held: dict[int, dict[str, set[str]]] = {}
    if accounts is not None:
        connection.register("accounts", accounts)
        for customer, source, values in connection.execute(ACCOUNTS).fetchall():
            held.setdefault(customer, {})[source] = set(values)
    apart = set()
    if decided is not None:
        connection.register("decided", decided)
        apart = {frozenset(row) for row in connection.execute(DECIDED).fetchall()}
    return accept(pairs, weight=float(np.log2(probability / (1 - probability))), accounts=held, apart=apart)


def neighbourhoods(likely: pa.Table, *, most: int) -> pa.Table:
    """Customers that likely pairs connect: customer_no, neighbourhood.

    Where one would have more than `most` customers, its weakest pairs are left out until it has not.

    Args:
        likely: left, right (customers), evidence.
        most: Customers of one neighbourhood.
    """
    left, right, evidence = (likely[name].to_numpy() for name in ("left", "right", "evidence"))
    size = int(max(left.max(), right.max())) + 1
    while True:
        labels = label(left, right, size=size)
        too_large = np.bincount(labels)[labels[left]] > most
        if not too_large.any():
            break
        kept = ~too_large | (evidence > np.quantile(evidence[too_large], 0.1))
        left, right, evidence = left[kept], right[kept], evidence[kept]
    customers = np.unique(np.concatenate([left, right]))
    return pa.table({"customer_no": customers, "neighbourhood": labels[customers]})


def _tabulate(connection: Any, accepted: list[Pair]) -> pa.Table:
    if not accepted:
        return LINKS.empty_table()
    weights = np.array([pair.weight for pair in accepted])
    connection.register(
        "accepted",
        pa.table(
            {
                "place": np.arange(len(accepted)),
                "left_no": [pair.left_no for pair in accepted],
                "right_no": [pair.right_no for pair in accepted],
                "probability": np.round(probability_of(weights), 6),
                "match_weight": np.round(weights, 3),
            }
        ),
    )
    links: pa.Table = connection.execute(
        """
        select one.profile_key as left_key, other.profile_key as right_key, probability, match_weight
        from accepted
        inner join candidates as one on accepted.left_no = one.unique_id
        inner join candidates as other on accepted.right_no = other.unique_id
        order by place
        """
    ).to_arrow_table()
    return links
