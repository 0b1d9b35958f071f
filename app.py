"""The Chalice app: composition only. `chalicelib.compose` is the place to go on reading."""

import os

from chalicelib.compose import compose
from chalicelib.handlers import build
from chalicelib.journal import Journal
from chalicelib.settings import Settings

settings = Settings.from_environment(os.environ)
app = build(compose(settings), Journal(print, settings.stack), settings.front_proof)
