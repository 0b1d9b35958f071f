"""The Chalice app. `chalicelib/bootstrap.py` builds everything that it serves."""

import gc

gc.disable()  # objects created here live until the container stops; looking for garbage takes 5 % of a cold start

import os

from chalice.app import Chalice

from chalicelib.bootstrap import Services
from chalicelib.chalice_adapter import create_chalice_app
from chalicelib.request_log import RequestLog
from chalicelib.settings import Settings

settings = Settings.from_environment(os.environ)
app = create_chalice_app(
    Services(settings).routes, RequestLog(print, settings.stack), settings.front_proof, app_class=Chalice
)

gc.freeze()  # later collections skip these objects
gc.enable()
