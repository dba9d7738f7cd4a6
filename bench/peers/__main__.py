"""Runs every side over the same promotions and carts, and prints how long one evaluation takes.

    python -m bench.peers [--sizes 10,100,1000,10000] [--json]

Needs Node and npm. Peers are installed, in pinned versions, into `build/bench-peers`.
"""

import argparse
import json

import msgspec

from bench.peers.measure import installed, measure, table

SIZES = (10, 100, 1_000, 10_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    chosen = parser.parse_args()
    peers = installed()
    rows = [row for size in chosen.sizes.split(",") for row in measure(int(size), peers)]
    print(json.dumps(msgspec.to_builtins(rows), indent=1) if chosen.json else table(rows))


if __name__ == "__main__":
    main()
