"""Roman numerals: a module that needs a library of its own."""

from __future__ import annotations

from typing import Annotated

import romans

from migaga.api import BaseModule, Context, Range, command


class Numerals(BaseModule):
    """Writes numbers as the Romans did."""

    @command(aliases=["rome"])
    async def roman(self, ctx: Context, number: Annotated[int, Range(1, romans.LARGEST)]) -> None:
        """Write a number as the Romans did.

        Args:
            number: The number to write.
        """
        await ctx.respond(f"{number} is {romans.write(number)}")
