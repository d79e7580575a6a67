"""A handler's signature -> its parameters, its arguments that are filled by type, and its context.

Every fault is a `DeclarationError` that names class, method and parameter.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace

import hikari
from sqlalchemy.ext.asyncio import AsyncSession

from migaga.framework.annotation import TypeShape, describe_type, read_annotation, resolve, strip
from migaga.framework.docstrings import Docstring
from migaga.framework.errors import DeclarationError
from migaga.framework.limits import NUMBERS, apply_limits, bounds_of, check_default
from migaga.framework.markers import Autocomplete, ChannelTypes, Describe, HandlerContext, Inject, Rest
from migaga.framework.naming import check_description, check_locale, check_name
from migaga.framework.options import GuildOptions
from migaga.framework.spec import InjectedSpec, ParameterKind, ParameterSpec

_SUGGESTABLE = NUMBERS | {ParameterKind.TEXT, ParameterKind.EMOJI, ParameterKind.DURATION, ParameterKind.SNOWFLAKE}


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a handler after `self`, with its evaluated annotation (`inspect.Parameter.empty`: none)."""

    name: str
    where: str
    annotation: object
    default: object

    @property
    def annotated(self) -> bool:
        """Whether its author wrote a type."""
        return self.annotation is not inspect.Parameter.empty

    @property
    def has_default(self) -> bool:
        """Whether it may be left out."""
        return self.default is not inspect.Parameter.empty

    def is_a(self, kind: type) -> bool:
        """Whether its type is a sub-class of this one."""
        base = strip(self.annotation).base
        return inspect.isclass(base) and issubclass(base, kind)


def arguments_of(owner: type, method: str) -> tuple[Argument, ...]:
    """Read the arguments of a method, without `self`.

    Raises:
        DeclarationError: it is no plain method, or has `*args`, `**kwargs` or positional-only arguments.
    """
    function = inspect.getattr_static(owner, method)
    where = f"{owner.__qualname__}.{method}"
    if not inspect.isfunction(function):
        raise DeclarationError(where, "it is not a plain method", "Write `async def name(self, ctx, ...)`.")
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise DeclarationError(where, "it is a generator", "Write `await ctx.respond(...)` instead of `yield`.")
    namespace: Mapping[str, object] = inspect.unwrap(function).__globals__
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters:
        raise DeclarationError(where, "it takes no `self`", f"Write `def {method}(self, ...)`.")
    return tuple(_argument(parameter, owner, where, namespace) for parameter in parameters[1:])


def _argument(parameter: inspect.Parameter, owner: type, where: str, namespace: Mapping[str, object]) -> Argument:
    place = f"{where}({parameter.name})"
    if parameter.kind in {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
        raise DeclarationError(
            f"{where}({parameter})".replace("'", ""),
            "a handler cannot take an open number of arguments",
            "Name each one; a last `str` takes the rest of the line.",
        )
    if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
        raise DeclarationError(place, "it is positional-only", "Remove the `/`.")
    annotation = parameter.annotation
    if annotation is not inspect.Parameter.empty:
        annotation = resolve(annotation, owner, place, namespace)
    return Argument(parameter.name, place, annotation, parameter.default)


def take_context(
    arguments: tuple[Argument, ...], kind: type[HandlerContext], public: str, where: str
) -> tuple[Argument, ...]:
    """Check that the first argument is the context and return the others.

    Raises:
        DeclarationError: it is not.
    """
    hint = f"Write `self, ctx: {public}, ...`."
    if not arguments:
        raise DeclarationError(where, "it does not take the context", hint)
    first = arguments[0]
    if first.annotated and not first.is_a(kind) and not _is_base_of(first, kind):
        raise DeclarationError(
            first.where, f"the first argument is the context, not a {describe_type(first.annotation)}", hint
        )
    if not first.annotated and first.name not in {"ctx", "context", "_ctx", "_", "_context"}:
        raise DeclarationError(first.where, "it has no type, and is not the context", hint)
    for other in arguments[1:]:
        if other.annotated and other.is_a(HandlerContext):
            raise DeclarationError(other.where, "only the first argument is the context", "Remove it.")
    return arguments[1:]


def _is_base_of(argument: Argument, kind: type[HandlerContext]) -> bool:
    base = strip(argument.annotation).base
    return inspect.isclass(base) and base is not object and issubclass(kind, base)


def injected(argument: Argument, *, services: bool) -> InjectedSpec | None:
    """Say that an argument is filled by its type, or None.

    Args:
        argument: The argument.
        services: Whether any class counts as a service (listeners, tasks), or only what is marked with `Inject()`.
    """
    stripped = strip(argument.annotation)
    if not inspect.isclass(stripped.base):
        return None
    marked = any(isinstance(marker, Inject) or marker is Inject for marker in stripped.markers)
    if marked or argument.is_a(GuildOptions) or argument.is_a(AsyncSession) or argument.is_a(HandlerContext):
        return InjectedSpec(argument.name, stripped.base)
    if services and stripped.base.__module__ != "builtins" and not argument.is_a(hikari.Event):
        return InjectedSpec(argument.name, stripped.base)
    return None


def require_type(argument: Argument) -> None:
    """Refuse an argument without a type.

    Raises:
        DeclarationError: it has none.
    """
    if not argument.annotated:
        raise DeclarationError(argument.where, "it has no type", f"Write `{argument.name}: str`, for example.")


def read_parameters(
    arguments: tuple[Argument, ...], doc: Docstring
) -> tuple[tuple[ParameterSpec, ...], tuple[InjectedSpec, ...]]:
    """Read the arguments of a command after its context.

    Raises:
        DeclarationError: one cannot be used.
    """
    parameters: list[ParameterSpec] = []
    filled: list[InjectedSpec] = []
    for argument in arguments:
        require_type(argument)
        if found := injected(argument, services=False):
            filled.append(found)
        else:
            parameters.append(_parameter(argument, doc))
    _check_order(parameters, arguments)
    return _with_rest(parameters, arguments), tuple(filled)


def _check_order(parameters: list[ParameterSpec], arguments: tuple[Argument, ...]) -> None:
    places = {argument.name: argument.where for argument in arguments}
    optional = None
    names: dict[str, str] = {}
    for parameter in parameters:
        where = places[parameter.argument]
        if not parameter.required:
            optional = parameter
        elif optional is not None:
            raise DeclarationError(
                where, f"it is required, but comes after {optional.argument!r}, which is not", "Put it first."
            )
        if parameter.name in names:
            raise DeclarationError(
                where, f"its name {parameter.name!r} is taken by {names[parameter.name]!r}", "Rename it."
            )
        names[parameter.name] = parameter.argument
    if len(parameters) > 25:
        raise DeclarationError(
            places[parameters[25].argument], f"it is one of {len(parameters)} parameters", "Discord allows 25."
        )


def _with_rest(parameters: list[ParameterSpec], arguments: tuple[Argument, ...]) -> tuple[ParameterSpec, ...]:
    marked = {a.name: a.where for a in arguments if any(isinstance(m, Rest) for m in strip(a.annotation).markers)}
    words = [parameter for parameter in parameters if parameter.kind is not ParameterKind.ATTACHMENT]
    for parameter in words[:-1]:
        if parameter.argument in marked:
            raise DeclarationError(
                marked[parameter.argument],
                "only the last parameter can take the rest",
                "Put it last, or remove `Rest()`.",
            )
    if words and words[-1].argument in marked and words[-1].kind not in {ParameterKind.TEXT, ParameterKind.DURATION}:
        raise DeclarationError(marked[words[-1].argument], "only texts and durations take the rest", "Remove `Rest()`.")
    return tuple(_as_rest(parameter) if words and parameter is words[-1] else parameter for parameter in parameters)


def _as_rest(parameter: ParameterSpec) -> ParameterSpec:
    takes = parameter.kind in {ParameterKind.TEXT, ParameterKind.DURATION}
    return replace(parameter, rest=takes)


def _parameter(argument: Argument, doc: Docstring) -> ParameterSpec:
    where = argument.where
    shape = read_annotation(argument.annotation, where)
    limits = apply_limits(shape, where, *bounds_of(shape))
    described = next((marker for marker in shape.markers if isinstance(marker, Describe)), None)
    name = check_name(argument.name.strip("_").replace("_", "-").lower(), where)
    text = described.text if described else doc.arguments.get(argument.name, "") or _fallback(name, shape)
    for locale, (other_name, other_text) in (described.localisations if described else {}).items():
        check_name(other_name, where, f"name for {check_locale(locale, where)}")
        check_description(other_text, where, f"description for {locale}")
    spec = ParameterSpec(
        name=name,
        argument=argument.name,
        kind=shape.kind,
        description=check_description(text, where),
        required=not argument.has_default and not shape.nullable,
        default=argument.default if argument.has_default else None,
        choices=limits.choices,
        minimum=limits.minimum,
        maximum=limits.maximum,
        channel_types=_channel_types(shape, where),
        autocomplete=_autocomplete(shape, where, bool(limits.choices)),
        convert=shape.convert,
        localisations=described.localisations if described else {},
    )
    check_default(spec, shape, where)
    return spec


def _fallback(name: str, shape: TypeShape) -> str:
    return f"{name.replace('-', ' ').replace('_', ' ').capitalize()}: {shape.kind.value}"


def _channel_types(shape: TypeShape, where: str) -> tuple[hikari.ChannelType, ...]:
    marked = next((marker.types for marker in shape.markers if isinstance(marker, ChannelTypes)), None)
    if marked is None:
        return shape.channel_types
    if shape.kind is not ParameterKind.CHANNEL:
        raise DeclarationError(where, f"`ChannelTypes` does not apply to a {shape.kind.value}", "Remove it.")
    return marked


def _autocomplete(shape: TypeShape, where: str, has_choices: bool) -> str | None:
    method = next((marker.method for marker in shape.markers if isinstance(marker, Autocomplete)), None)
    if method is not None and has_choices:
        raise DeclarationError(where, "it has choices and `Autocomplete`", "Discord allows one of the two.")
    if method is not None and shape.kind not in _SUGGESTABLE:
        raise DeclarationError(where, f"Discord suggests no values for a {shape.kind.value}", "Remove `Autocomplete`.")
    return method
