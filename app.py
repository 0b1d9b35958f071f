"""The Chalice app: composition only. `chalicelib.compose` is the place to go on reading."""

import gc

gc.disable()  # what is made from here to `freeze` stays: looking through it for garbage is a twentieth of a cold start

import os

from chalicelib.compose import compose
from chalicelib.handlers import build
from chalicelib.journal import Journal
from chalicelib.settings import Settings

settings = Settings.from_environment(os.environ)
app = build(compose(settings), Journal(print, settings.stack), settings.front_proof)

gc.freeze()  # and need not be looked through by the requests' collections either
gc.enable()
