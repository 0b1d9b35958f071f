"""The operator's commands: they look after an index on AWS or, with `--local`, on a running local server."""
