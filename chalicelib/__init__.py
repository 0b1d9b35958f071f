"""Waybill: a Docker index without servers. `compose` is the place to start reading."""
