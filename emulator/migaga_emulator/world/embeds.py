"""Checks embeds and gives them the form in which they are sent back."""

from __future__ import annotations

from migaga_emulator.rules import Rules
from migaga_emulator.world.fields import Body
from migaga_emulator.world.wire import JsonObject, timestamp

_URL_SCHEMES = ("http://", "https://", "attachment://")


def read_embeds(body: Body, rules: Rules) -> list[JsonObject]:
    """The embeds of a message body; faults are noted in the body's problems."""
    embeds: list[JsonObject] = []
    characters = 0
    for item in body.bodies("embeds", maximum=rules.embeds_per_message):
        embed, size = _read_embed(item)
        characters += size
        embeds.append(embed)
    if characters > rules.embed_characters:
        message = f"Embed size exceeds maximum size of {rules.embed_characters}"
        body.fault("embeds", "MAX_EMBED_SIZE_EXCEEDED", message)
    return embeds


def _read_embed(item: Body) -> tuple[JsonObject, int]:
    embed: JsonObject = {"type": "rich"}
    _keep(embed, "title", item.text("title", maximum=256))
    _keep(embed, "description", item.text("description", maximum=4096))
    _keep(embed, "url", _url(item, "url"))
    _keep(embed, "color", item.integer("color", minimum=0, maximum=0xFFFFFF))
    moment = item.time("timestamp")
    _keep(embed, "timestamp", None if moment is None else timestamp(moment))
    _keep(embed, "footer", _read_named(item, "footer", "text", 2048))
    _keep(embed, "author", _read_named(item, "author", "name", 256))
    for key in ("image", "thumbnail"):
        picture = item.body(key)
        if picture is not None:
            _keep(embed, key, {"url": _url(picture, "url", required=True)})
    fields = [_read_field(field) for field in item.bodies("fields", maximum=25)]
    if fields:
        embed["fields"] = fields
    return embed, _characters(embed)


def _read_named(item: Body, key: str, text_key: str, maximum: int) -> JsonObject | None:
    inner = item.body(key)
    if inner is None:
        return None
    part: JsonObject = {text_key: inner.text(text_key, minimum=1, maximum=maximum, required=True)}
    _keep(part, "icon_url", _url(inner, "icon_url"))
    if key == "author":
        _keep(part, "url", _url(inner, "url"))
    return part


def _read_field(field: Body) -> JsonObject:
    return {
        "name": field.text("name", minimum=1, maximum=256, required=True),
        "value": field.text("value", minimum=1, maximum=1024, required=True),
        "inline": field.boolean("inline"),
    }


def _url(body: Body, key: str, *, required: bool = False) -> str | None:
    value = body.text(key, maximum=2048, required=required)
    if value and not value.lower().startswith(_URL_SCHEMES):
        scheme = value.split(":", 1)[0]
        message = f"Scheme \"{scheme}\" is not supported. Scheme must be one of ('http', 'https')."
        body.fault(key, "URL_TYPE_INVALID_SCHEME", message)
        return None
    return value


def _characters(embed: JsonObject) -> int:
    """Title, description, footer text, author name, field names and values count."""
    texts: list[object] = [embed.get("title"), embed.get("description")]
    for key, inner in (("footer", "text"), ("author", "name")):
        part = embed.get(key)
        if isinstance(part, dict):
            texts.append(part.get(inner))
    fields = embed.get("fields")
    if isinstance(fields, list):
        for field in fields:
            texts += [field["name"], field["value"]]
    return sum(len(text) for text in texts if isinstance(text, str))


def _keep(target: JsonObject, key: str, value: object) -> None:
    if value is not None and value != "":
        target[key] = value
