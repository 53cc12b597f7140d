"""Who may change the files that are made."""

from __future__ import annotations

import os
import stat


def refuse_others() -> None:
    """Keep users outside the group from changing any file that this process makes from now on.

    All else is as the umask says: who may read, and whether the group may write, too. The processes
    that this one starts inherit it.
    """
    before = os.umask(0o077)
    os.umask(before | stat.S_IWOTH)
