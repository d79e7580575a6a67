"""How a command is used, in both forms, for errors and help."""

from __future__ import annotations

from migaga.framework.errors import WrongArgument
from migaga.framework.spec import CommandSpec, ParameterKind, ParameterSpec


def text_usage(command: CommandSpec, prefix: str = "!", called: tuple[str, ...] | None = None) -> str:
    """`!points give <user> <amount> [reason...]`; empty when there is no text form."""
    if not command.text_names:
        return ""
    words = called or command.text_names[0]
    # A mention or a word as prefix stands apart from the name.
    gap = " " if prefix[-1:].isalnum() or prefix.startswith("<@") else ""
    return " ".join(
        (f"{prefix.strip()}{gap}{' '.join(words)}", *(_placeholder(parameter) for parameter in command.parameters))
    )


def _placeholder(parameter: ParameterSpec) -> str:
    name = f"{parameter.name}..." if parameter.rest else parameter.name
    if parameter.kind is ParameterKind.ATTACHMENT:
        name = f"{parameter.name}: a file"
    elif parameter.kind is ParameterKind.BOOLEAN:
        name = f"{parameter.name}: yes/no"
    elif 0 < len(parameter.choices) <= 5:
        name = "|".join(str(choice.name) for choice in parameter.choices)
    return f"<{name}>" if parameter.required else f"[{name}]"


def slash_usage(command: CommandSpec) -> str:
    """`/points give user: amount: [reason:]`; empty when there is no slash form."""
    if not command.slash:
        return ""
    return " ".join(
        (
            f"/{' '.join(command.path)}",
            *(f"{p.name}:" if p.required else f"[{p.name}:]" for p in command.parameters),
        )
    )


def usage(command: CommandSpec, prefix: str = "!", *, is_slash: bool = False) -> str:
    """The form that was used, or the only one there is."""
    slash, text = slash_usage(command), text_usage(command, prefix)
    return (slash or text) if is_slash else (text or slash)


def explain(
    error: WrongArgument,
    command: CommandSpec,
    prefix: str = "!",
    *,
    is_slash: bool = False,
) -> str:
    """The answer to a wrong use: the reason, and the usage below it."""
    shown = usage(command, prefix, is_slash=is_slash).replace("`", "'")
    return f"{error.reason}\nUsage: `{shown}`"
