"""The measurements of docs/development/performance.md and docs/development/cost.md: `make bench`."""
