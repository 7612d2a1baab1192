#!/usr/bin/env python3
"""From an event's birth in a service to its commit in PostgreSQL, for link.sh.

Real services in the chain: event log, uplink, backend, PostgreSQL with track_commit_timestamp. The event carries the
time at which its service began to append it, in whole milliseconds, so that a figure is up to one too large. Prints
"latency P50 P99 MAX COUNT" in milliseconds.
"""

import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "torture"))
import torture  # noqa: E402

QUERY = """
SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY ms), percentile_disc(0.99) WITHIN GROUP (ORDER BY ms), max(ms), count(*)
FROM (SELECT round((extract(epoch FROM pg_xact_commit_timestamp(xmin)) - extract(epoch FROM at)) * 1000, 2) AS ms
      FROM task_timeline WHERE step = 'torture') AS q
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("folder", "database", "tentacle", "backend", "source"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=20.0)  # Of each of the two sources: a quiet link.
    options = parser.parse_args()
    options.seed = 1
    run = torture.Run(options)
    try:
        run.prepare()
        deadline = time.monotonic() + 60 + options.events / options.rate
        while run.stored() < options.events:
            if time.monotonic() > deadline:
                raise SystemExit("link_latency: not all events arrived")
            time.sleep(0.5)
        print("latency", *run.sql(QUERY)[0].split(","))
    finally:
        run.stop_all()


if __name__ == "__main__":
    main()
