"""`python -m infra` runs the command `waybill`."""

from infra.cli import main

main()
