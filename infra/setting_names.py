"""Finds misspelt names of settings.

The environment contains many other variables, so only a name that is very similar to a setting is an error.
`waybill deploy` rejects every unknown option.
"""

from collections.abc import Iterable
from difflib import get_close_matches

from chalicelib.settings_table import SETTINGS, SettingsError
from infra.devserver.local_settings import LOCAL_SETTINGS

_MIN_LENGTH = 6  # a shorter name, such as HOST or DATA, is similar to common variables
_MIN_SIMILARITY = 0.9  # about one wrong, missing or additional character in ten
_OTHER_NAMES = {"AWS_DEFAULT_REGION"}
_NAMES = {setting.name for setting in SETTINGS} | {name for name, *_ in LOCAL_SETTINGS} | _OTHER_NAMES


def check_setting_names(environment: Iterable[str]) -> None:
    """Raise SettingsError if a variable is probably a misspelt setting. The message names the setting."""
    candidates = [name for name in _NAMES if len(name) >= _MIN_LENGTH]
    for variable in sorted(set(environment) - _NAMES):
        matches = get_close_matches(variable.upper().replace("-", "_"), candidates, 1, _MIN_SIMILARITY)
        if matches:
            raise SettingsError(f"{variable} is not a setting; did you mean {matches[0]}?")
