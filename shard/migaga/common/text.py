"""Small text helpers that every package uses: suggestions, Discord's markdown, removal of secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from urllib.parse import quote, quote_plus

MASK = "***"
"""What stands in the place of a secret."""

_MARKDOWN = re.compile(r"([\\*_~`|>#\[\]()<@:-])")
_SHORTEST_SECRET = 4

# What stays of a secret's shape is group 1; the secret after it is masked.
_SHAPES = (
    # The token of an interaction or a webhook, in a url and in the names that hikari gives its rate limits.
    re.compile(r"(/(?:interactions|webhooks)/[^/\s]{1,30}/)[^/\s?#\"'<>]+"),
    re.compile(r"(\b\d{15,20}:)[\w-]{20,}"),
    re.compile(r"()\baW50ZXJhY3Rpb246[\w=-]+"),
    # A bot token: application id in base64 (digits begin with M, N or O), time, signature.
    re.compile(r"()(?<![\w-])[MNO][\w-]{16,}\.[\w-]{4,12}\.[\w-]{16,}"),
    re.compile(
        r"(?i)(\bauthorization[\"']?\s*[:=,]\s*(?:b(?=[\"']))?[\"']?(?:(?:bot|bearer|basic)\s+)?)[^\s\"',;)}\]*]+"
    ),
    re.compile(r"(\b(?:Bot|Bearer|Basic) +)[\w.~+/=-]{20,}"),
    # A password in a url.
    re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/@:\"'?#]*:)[^\s/\"'?#]+(?=@)"),
    # What Discord calls a secret in its JSON.
    re.compile(r"([\"'](?:token|session_id|password)[\"']\s*:\s*[\"'])[^\"']+"),
)


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that `word` was most likely meant to be, or None when none is close.

    Case does not matter. A single candidate that begins with `word` is close too.
    """
    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    folded = word.casefold()
    close = get_close_matches(folded, by_folded, n=1, cutoff=0.6)
    if close:
        return by_folded[close[0]]
    begun = [candidate for key, candidate in by_folded.items() if folded and key.startswith(folded)]
    return begun[0] if len(begun) == 1 else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return ` Did you mean "x"?` with a leading space, or an empty text when nothing is close."""
    found = nearest(word, candidates)
    return f' Did you mean "{found}"?' if found else ""


def escape_markdown(text: str) -> str:
    """Escape what Discord would read as formatting, a mention or a link, so that it shows as it was written."""
    return _MARKDOWN.sub(r"\\\1", text)


def shorten(text: str, limit: int) -> str:
    """Cut `text` to at most `limit` characters, the last of which is then `…`."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def secret_forms(secret: str) -> frozenset[str]:
    """Return the forms in which a secret may be written: as it is, and encoded for a url.

    Texts under four characters are not taken for secrets: masking them would tear every line apart.
    """
    if len(secret) < _SHORTEST_SECRET:
        return frozenset()
    return frozenset({secret, quote(secret, safe=""), quote(secret), quote_plus(secret)})


def mask_shapes(text: str) -> str:
    """Replace by `***` what looks like a secret: tokens of bots, interactions and webhooks, passwords in urls."""
    for shape in _SHAPES:
        text = shape.sub(rf"\g<1>{MASK}", text)
    return text


def redact(text: str, secrets: Iterable[str]) -> str:
    """Replace every secret in `text`, also in its url-encoded forms, by `***`."""
    forms = {form for secret in secrets for form in secret_forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text
