"""The Chalice app. `chalicelib/bootstrap.py` builds everything that it serves."""

import gc

gc.disable()  # objects created here live until the container stops; looking for garbage takes 5 % of a cold start

import os
import sys

if os.environ.get("AWS_CHALICE_CLI_MODE") and sys.argv[1:2] == ["deploy"]:
    sys.exit(
        "`chalice deploy` cannot deploy Waybill, which also needs tables, keys and an HTTP API: run `waybill deploy`"
    )

from chalicelib.bootstrap import Services
from chalicelib.chalice_adapter import HttpApiChalice, create_chalice_app
from chalicelib.request_log import RequestLog
from chalicelib.settings import Settings

settings = Settings.from_environment(os.environ)
services = Services(settings)
app = create_chalice_app(
    services.routes,
    RequestLog(print, settings.stack),
    app_class=HttpApiChalice,
    render_unrouted=services.render_unrouted,
)

gc.freeze()  # later collections skip these objects
gc.enable()
