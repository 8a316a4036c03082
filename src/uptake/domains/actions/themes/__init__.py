"""The themes of the actions domain: functions, and the words people have for what they take.

Training and held-out instructions share no theme, and so no function, thing or sentence.

These modules know nothing of how a request is put together.
"""

from __future__ import annotations

from uptake.domains.actions.themes.bank import BANK
from uptake.domains.actions.themes.calendar import CALENDAR
from uptake.domains.actions.themes.clinic import CLINIC
from uptake.domains.actions.themes.heating import HEATING
from uptake.domains.actions.themes.music import MUSIC
from uptake.domains.actions.themes.parcel import PARCEL
from uptake.domains.actions.themes.table import TABLE
from uptake.domains.actions.themes.train import TRAIN

__all__ = ["THEMES"]

THEMES = {
    "train": (CALENDAR, HEATING, PARCEL, MUSIC),
    "heldout": (BANK, TRAIN, TABLE, CLINIC),
}
"""The themes of each split."""
