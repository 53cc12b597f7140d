"""The umask: users outside the group cannot change files that are written."""

import os
import stat


def refuse_others() -> None:
    """Forbid users outside the group to write to files that this process creates from now on.

    Whether they may read, and whether the group may write, stays as the umask says. Child processes
    inherit it.
    """
    before = os.umask(0o077)
    os.umask(before | stat.S_IWOTH)
