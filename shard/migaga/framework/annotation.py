"""An annotation -> what kind of value it takes. Used for parameters of commands and for options alike."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import hikari

from migaga.framework.emoji import Emoji
from migaga.framework.errors import DeclarationError
from migaga.framework.markers import (
    Autocomplete,
    ChannelTypes,
    Choices,
    Describe,
    Inject,
    Length,
    Range,
    Refers,
    Rest,
)
from migaga.framework.spec import Choice, ParameterKind

_VALUES: Mapping[object, ParameterKind] = {
    str: ParameterKind.TEXT,
    int: ParameterKind.INTEGER,
    float: ParameterKind.NUMBER,
    bool: ParameterKind.BOOLEAN,
    Decimal: ParameterKind.DECIMAL,
    timedelta: ParameterKind.DURATION,
    Emoji: ParameterKind.EMOJI,
    hikari.Snowflake: ParameterKind.SNOWFLAKE,
}
# The first that an annotation is a sub-class of. `Member` is a `User`, so it comes first.
_OBJECTS: tuple[tuple[type, ParameterKind], ...] = (
    (hikari.Member, ParameterKind.MEMBER),
    (hikari.PartialUser, ParameterKind.USER),
    (hikari.PartialRole, ParameterKind.ROLE),
    (hikari.PartialChannel, ParameterKind.CHANNEL),
    (hikari.Attachment, ParameterKind.ATTACHMENT),
)
_CHANNELS: Mapping[object, tuple[hikari.ChannelType, ...]] = {
    hikari.GuildTextChannel: (hikari.ChannelType.GUILD_TEXT,),
    hikari.GuildNewsChannel: (hikari.ChannelType.GUILD_NEWS,),
    hikari.GuildVoiceChannel: (hikari.ChannelType.GUILD_VOICE,),
    hikari.GuildStageChannel: (hikari.ChannelType.GUILD_STAGE,),
    hikari.GuildForumChannel: (hikari.ChannelType.GUILD_FORUM,),
    hikari.GuildCategory: (hikari.ChannelType.GUILD_CATEGORY,),
    hikari.TextableGuildChannel: (
        hikari.ChannelType.GUILD_TEXT,
        hikari.ChannelType.GUILD_NEWS,
        hikari.ChannelType.GUILD_VOICE,
        hikari.ChannelType.GUILD_STAGE,
        hikari.ChannelType.GUILD_NEWS_THREAD,
        hikari.ChannelType.GUILD_PUBLIC_THREAD,
        hikari.ChannelType.GUILD_PRIVATE_THREAD,
    ),
    hikari.GuildThreadChannel: (
        hikari.ChannelType.GUILD_NEWS_THREAD,
        hikari.ChannelType.GUILD_PUBLIC_THREAD,
        hikari.ChannelType.GUILD_PRIVATE_THREAD,
    ),
}
_REFERRED = {
    "channel": ParameterKind.CHANNEL,
    "role": ParameterKind.ROLE,
    "user": ParameterKind.USER,
}
KNOWN_TYPES = (
    "str, int, float, bool, Decimal, timedelta, Emoji, hikari.User, hikari.Member, hikari.Role, "
    "hikari.PartialChannel (and its sub-classes), hikari.Attachment, hikari.Snowflake, an Enum or a Literal"
)

Marker = Autocomplete | ChannelTypes | Choices | Describe | Inject | Length | Range | Refers | Rest
_MARKERS = (Autocomplete, ChannelTypes, Choices, Describe, Inject, Length, Range, Refers, Rest)


@dataclass(frozen=True, slots=True)
class TypeShape:
    """What an annotation says about the values that fit it."""

    kind: ParameterKind
    base: object
    """The annotation without `None` and markers."""
    nullable: bool = False
    choices: tuple[Choice, ...] = ()
    convert: Callable[[Any], Any] | None = None
    channel_types: tuple[hikari.ChannelType, ...] = ()
    markers: tuple[Marker, ...] = ()


@dataclass(frozen=True, slots=True)
class Stripped:
    """An annotation taken apart: `Annotated[X, ...] | None`."""

    base: object
    nullable: bool
    markers: tuple[object, ...]


def resolve(annotation: object, owner: type, where: str, namespace: Mapping[str, object] | None = None) -> object:
    """Evaluate an annotation that is written as text, seeing the inner classes of `owner`.

    Raises:
        DeclarationError: it names something unknown, or is no type.
    """
    inner = {
        name: value for base in reversed(owner.__mro__) for name, value in vars(base).items() if inspect.isclass(value)
    }
    known = namespace if namespace is not None else vars(inspect.getmodule(owner) or types.SimpleNamespace())
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    try:
        return get_type_hints(holder, dict(known), inner, include_extras=True)["it"]
    except NameError as error:
        raise DeclarationError(
            where,
            f"its annotation {annotation!r} names {error.name!r}, which is not known when the module is loaded",
            "Import it at the top of the file, not under `if TYPE_CHECKING:`.",
        ) from error
    except (TypeError, SyntaxError, AttributeError) as error:
        raise DeclarationError(
            where, f"its annotation {annotation!r} is not a type ({error})", f"Use one of: {KNOWN_TYPES}."
        ) from error


def strip(annotation: object) -> Stripped:
    """Take `Annotated` and `| None` off, however they are nested."""
    nullable = False
    markers: list[object] = []
    while True:
        if get_origin(annotation) is Annotated:
            markers.extend(annotation.__metadata__)  # type: ignore[attr-defined]  # typing has no name for it
            annotation = get_args(annotation)[0]
            continue
        if get_origin(annotation) in {Union, types.UnionType}:
            rest = [part for part in get_args(annotation) if part is not types.NoneType]
            nullable = nullable or len(rest) < len(get_args(annotation))
            if len(rest) == 1:
                annotation = rest[0]
                continue
            annotation = Union[tuple(rest)]  # noqa: UP007 (made at run time)
        return Stripped(annotation, nullable, tuple(markers))


def describe_type(annotation: object) -> str:
    """Name a type as its author wrote it."""
    return annotation.__qualname__ if inspect.isclass(annotation) else str(annotation)


def read_annotation(annotation: object, where: str) -> TypeShape:
    """Say what kind of value an annotation takes.

    Raises:
        DeclarationError: it is none that people can give.
    """
    stripped = strip(annotation)
    for marker in stripped.markers:
        if inspect.isclass(marker) and issubclass(marker, _MARKERS):
            raise DeclarationError(
                where, f"`{marker.__name__}` is not called", f"Write `{marker.__name__}(...)` in `Annotated[...]`."
            )
    markers = tuple(marker for marker in stripped.markers if isinstance(marker, _MARKERS))
    shape = _base_shape(stripped.base, where)
    for marker in markers:
        if isinstance(marker, Refers):
            shape = replace(shape, kind=_REFERRED[marker.kind])
    return replace(shape, nullable=stripped.nullable, markers=markers)


def _base_shape(base: object, where: str) -> TypeShape:
    if inspect.isclass(base) and base in _VALUES:
        return TypeShape(_VALUES[base], base)
    if get_origin(base) is Literal:
        return _literal(base, where)
    if get_origin(base) is Union:
        return _union(base, where)
    if inspect.isclass(base):
        if issubclass(base, Enum):
            return _enum(base, where)
        for kind_of, kind in _OBJECTS:
            if issubclass(base, kind_of):
                return TypeShape(kind, base, channel_types=_CHANNELS.get(base, ()))
    raise DeclarationError(where, f"nobody can give a {describe_type(base)}", f"Use one of: {KNOWN_TYPES}.")


def _union(base: object, where: str) -> TypeShape:
    kinds = {_base_shape(part, where).kind for part in get_args(base)}
    if ParameterKind.ROLE in kinds and kinds <= {ParameterKind.ROLE, ParameterKind.USER, ParameterKind.MEMBER}:
        return TypeShape(ParameterKind.MENTIONABLE, base)
    if kinds == {ParameterKind.USER, ParameterKind.MEMBER}:
        return TypeShape(ParameterKind.USER, base)
    if kinds == {ParameterKind.CHANNEL}:
        found = [_CHANNELS.get(part, ()) for part in get_args(base)]
        merged = tuple(dict.fromkeys(kind for part in found for kind in part)) if all(found) else ()
        return TypeShape(ParameterKind.CHANNEL, base, channel_types=merged)
    raise DeclarationError(where, f"{base} mixes types that Discord keeps apart", f"Use one of: {KNOWN_TYPES}.")


def _kind_of_values(values: tuple[object, ...], what: object, where: str) -> ParameterKind:
    found = {type(value) for value in values}
    if found == {str}:
        return ParameterKind.TEXT
    if found == {int}:
        return ParameterKind.INTEGER
    if found and found <= {int, float}:
        return ParameterKind.NUMBER
    raise DeclarationError(
        where, f"the values of {describe_type(what)} are not all texts or all numbers", "Make them all one of the two."
    )


def _literal(base: object, where: str) -> TypeShape:
    values = get_args(base)
    kind = _kind_of_values(values, base, where)
    return TypeShape(kind, base, choices=tuple(Choice(str(value), value) for value in values))


def _enum(base: type[Enum], where: str) -> TypeShape:
    # An IntEnum's values are plain ints, a StrEnum's plain texts: what is stored and sent is the value.
    kind = _kind_of_values(tuple(member.value for member in base), base, where)
    choices = tuple(Choice(member.name.replace("_", " ").capitalize(), member.value) for member in base)
    return TypeShape(kind, base, choices=choices, convert=base)
