"""Takes what a process keeps for as long as it lives out of the garbage collector's way. Called when it has started."""

from __future__ import annotations

import gc


def settle() -> None:
    """Collect once, and never look at what is left again.

    The modules and tables of a process that has just started are some hundred thousand objects. The first full
    collection that goes over all of them holds up the event loop for 0.1 to 0.3 s, and it came a moment after the first
    shards had, whose events had waited already. The collection here takes as long while nobody waits.
    """
    gc.collect()
    gc.freeze()
