"""`make demo`: a simulated shop of 5,000 customers over 180 days, from its raw exports to the report."""

import subprocess
import sys
import time

from orchestration.landing_zone.files import landing_days
from orchestration.resources import prepare_home

CUSTOMERS, DAYS, SEED = 5000, 180, 7


def main() -> int:
    """Land the shop unless it is there, run its last day, say where everything is."""
    began = time.monotonic()
    settings = prepare_home()
    holdfast = [sys.executable, "-m", "orchestration.cli"]
    truth = settings.home / "truth"
    if not settings.landing.exists():
        sizes = ["--customers", str(CUSTOMERS), "--days", str(DAYS), "--seed", str(SEED)]
        places = ["--out", str(settings.landing), "--truth", str(truth)]
        if code := subprocess.call([*holdfast, "simulate", *sizes, *places]):
            return code
    last = landing_days(settings.landing)[-1].isoformat()
    code = subprocess.call([*holdfast, "run", "--date", last, "--landing", str(settings.landing)])
    print(
        f"done in {time.monotonic() - began:.0f} s; `make dev` shows the graph, the models and the report in the browser,\n"
        f"`.venv/bin/holdfast score --truth {truth}` how far all of it is from the planted truth"
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
