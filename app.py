"""The Chalice app: composition only. `chalicelib.compose` is the place to go on reading."""

import os

from chalicelib.compose import compose
from chalicelib.handlers import build
from chalicelib.settings import Settings

app = build(compose(Settings.from_environment(os.environ)))
