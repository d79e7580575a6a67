"""All routes of the control API, below /control."""

from __future__ import annotations

from migaga_emulator.control import acting, faulting, making, reading
from migaga_emulator.control.context import Route

ROUTES: tuple[Route, ...] = (*making.ROUTES, *acting.ROUTES, *faulting.ROUTES, *reading.ROUTES)
