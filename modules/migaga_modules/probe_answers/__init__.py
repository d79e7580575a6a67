"""Commands, menus, buttons and forms that people use in scenarios: every kind of interaction, each with a right answer.

Never loaded unless it is named. It keeps nothing: any process can answer any of them.
"""

from __future__ import annotations

from typing import Annotated

import hikari
from hikari.impl import MessageActionRowBuilder

from migaga.api import (
    Autocomplete,
    AutocompleteContext,
    BaseModule,
    Context,
    Describe,
    Length,
    autocomplete,
    command,
    component,
    message_command,
    user_command,
)

WORDS = ("apple", "pear", "plum")


class ProbeAnswers(BaseModule):
    """Answers what people ask in scenarios."""

    load_by_default = False

    @command(as_text=False)
    async def repeat(
        self,
        ctx: Context,
        word: Annotated[str, Describe("What to say"), Length(1, 100), Autocomplete("words")],
    ) -> None:
        """Say a word again."""
        await ctx.respond(f"You said {word}.")

    @autocomplete
    async def words(self, ctx: AutocompleteContext, value: str) -> list[str]:
        """Suggest fruit."""
        return [word for word in WORDS if word.startswith(value.casefold())]

    @user_command("Greet")
    async def greet(self, ctx: Context, target: hikari.User) -> None:
        """Greet somebody."""
        await ctx.respond(f"Hello, {target.mention}!")

    @message_command("Measure")
    async def measure(self, ctx: Context, target: hikari.Message) -> None:
        """Say how long a message is."""
        await ctx.respond(f"{len(target.content or '')} characters")

    @command(as_text=False)
    async def board(self, ctx: Context) -> None:
        """Show a button, a menu and a form."""
        buttons, menu = MessageActionRowBuilder(), MessageActionRowBuilder()
        buttons.add_interactive_button(hikari.ButtonStyle.PRIMARY, self.custom_id("press", 7), label="Press")
        buttons.add_interactive_button(hikari.ButtonStyle.SECONDARY, self.custom_id("form"), label="Form")
        options = menu.add_text_menu(self.custom_id("pick"))
        for word in WORDS:
            options.add_option(word, word)
        await ctx.respond("Press, pick or fill in.", components=[buttons, menu])

    @component("press")
    async def press(self, ctx: Context, number: int) -> None:
        """Answer the button."""
        await ctx.respond(f"Pressed {number}.")

    @component("pick")
    async def pick(self, ctx: Context) -> None:
        """Answer the menu."""
        await ctx.respond(f"Picked {', '.join(ctx.values)}.")

    @component("form")
    async def form(self, ctx: Context) -> None:
        """Ask for a name by a form, and greet it."""
        values = await ctx.show_modal("Form", {"name": "Your name"})
        await ctx.respond(f"Welcome, {values['name']}!")
