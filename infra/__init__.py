"""Everything about running Waybill somewhere. `python -m infra --help` lists what it does."""
