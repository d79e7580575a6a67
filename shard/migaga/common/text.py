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


def redact(text: str, secrets: Iterable[str]) -> str:
    """Replace every secret in `text`, also in its url-encoded forms, by `***`."""
    forms = {form for secret in secrets for form in secret_forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text
