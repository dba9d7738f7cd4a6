"""`python -m habitue.edges.cli`: the command line where the script `habitue` is not installed."""

from habitue.edges.cli import main

main()
