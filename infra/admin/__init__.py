"""The commands for operators. They act on an index on AWS or, with `--local`, on a running local server."""
