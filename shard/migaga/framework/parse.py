"""The text after a command's name -> words. Never fails: what is no quotation is taken as it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Opening quotation mark -> marks that may close it. Phones write “these” and sometimes two of the same.
_QUOTES = {'"': '"', "“": '”“"', "”": "”", "„": '“”"', "«": "»", "»": "«"}
_ALL_QUOTES = '"“”„«»'
_FENCE = "```"
_ESCAPED = re.compile(rf"\\([{_ALL_QUOTES}\\])")
_ESCAPED_QUOTE = re.compile(rf"\\([{_ALL_QUOTES}])")


@dataclass(frozen=True, slots=True)
class Word:
    """One word, quotation or code block."""

    text: str
    """Without quotation marks and escapes; a code block with its fence."""
    start: int
    end: int
    """Where it stands in the line, marks included: `line[start:end]`."""
    quoted: bool = False


def split_words(line: str) -> tuple[Word, ...]:
    """Split at whitespace; `"two words"` and code blocks are one word each; `\\"` is a mark like any letter."""
    words: list[Word] = []
    position = 0
    while position < len(line):
        if line[position].isspace():
            position += 1
            continue
        word = _quotation(line, position) or _code_block(line, position) or _plain(line, position)
        words.append(word)
        position = word.end
    return tuple(words)


def _quotation(line: str, start: int) -> Word | None:
    closing = _QUOTES.get(line[start])
    if closing is None:
        return None
    position = start + 1
    while position < len(line):
        if line[position] == "\\":
            position += 2
            continue
        if line[position] in closing and (position + 1 == len(line) or line[position + 1].isspace()):
            return Word(_ESCAPED.sub(r"\1", line[start + 1 : position]), start, position + 1, True)
        position += 1
    return None


def _code_block(line: str, start: int) -> Word | None:
    if not line.startswith(_FENCE, start):
        return None
    end = line.find(_FENCE, start + len(_FENCE))
    if end < 0:
        return None
    end += len(_FENCE)
    return Word(line[start:end], start, end)


def _plain(line: str, start: int) -> Word:
    end = start
    while end < len(line) and not line[end].isspace():
        end += 1
    return Word(_ESCAPED_QUOTE.sub(r"\1", line[start:end]), start, end)


def rest_of(line: str, word: Word) -> str:
    """Return the line from this word on as it was written; a single quotation without its marks."""
    rest = line[word.start :].rstrip()
    return word.text if word.quoted and word.start + len(rest) == word.end else rest
