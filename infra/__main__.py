"""`python -m infra` is the command `waybill`."""

from infra.cli import main

main()
