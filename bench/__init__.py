"""What performance claims rest on: `make bench`."""
