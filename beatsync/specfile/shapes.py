"""Masks secrets in any text that is shown, logged or stored: the only place that knows what a secret looks like.

A secret is recognised by the name before it (`password=…`, `{"token": …}`), by its place (a login in a URL, `Bearer …`, `--password …`)
or by a well-known prefix. What only resembles one stays readable: a masked word in a message hides the reason of a failure.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any

from beatsync.specfile.secrets import looks_secret, looks_secret_in_prose

MASK = "***"
_encode = json.JSONEncoder(ensure_ascii=False).encode
_decoder = json.JSONDecoder()
_MAX_FAILURES = 20
"""Brackets that begin no JSON before the search for more of it ends."""

_MAY_HAVE_PLACE = re.compile(r"[=@\"']|://|:\s|(?<!\S)-|[rR] |[cC] ")
_MAY_HAVE_PREFIX = re.compile(
    r"gh[pousr]_|github_|gl\w+-|xox|xapp|[sr]k[_-]|whsec|A[KS]IA|AIza|ya29|eyJ|SG\.|npm_|pypi-|hf_|hv[sb]\.|dop_|shp|dckr|glsa|sntry|lin_"
    r"|rubyg|xkeys|ATATT|PMAK|figd|sq0|dapi|key-|NRAK|AGE-|EAAC|:AA|-----|hooks\.|discord\."
)
"""Both are found in every text that their rules change, and are quick."""
_PREFIXED = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\Z)"
    r"|(?<![A-Za-z0-9])(?:"
    r"gh[pousr]_\w{6,}|github_pat_\w{6,}|gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat)-[\w-]{6,}"
    r"|xox[abceoprs]-[\w-]{6,}|xapp-\d-[\w-]{6,}|[sr]k_(?:live|test)_\w{6,}|whsec_\w{6,}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{8,}|AIza[\w-]{10,}|ya29\.[\w-]{6,}"
    r"|eyJ[\w-]{6,}(?:\.[\w-]*){1,4}|SG\.[\w-]{6,}(?:\.[\w-]+)?|npm_[A-Za-z0-9]{10,}|pypi-(?=[\w-]*[A-Z0-9])[\w-]{10,}"
    r"|sk-(?=[\w-]*\d)(?:[\w-]{20,}|ant-[\w-]{6,})|hf_[A-Za-z0-9]{16,}|hv[sb]\.[\w-]{6,}|dop_v1_\w{6,}|shp(?:at|ca|pa|ss)_\w{6,}"
    r"|dckr_pat_[\w-]{6,}|glsa_\w{6,}|sntry[su]_\w{6,}|lin_api_\w{6,}|rubygems_[0-9a-f]{16,}|xkeysib-[\w-]{6,}|ATATT3[\w=-]{6,}"
    r"|PMAK-[\w-]{6,}|figd_[\w-]{6,}|sq0[a-z]{3}-[\w-]{6,}|dapi[0-9a-f]{32}|key-[0-9a-f]{32}|NRAK-[A-Z0-9]{6,}"
    r"|AGE-SECRET-KEY-1\w{6,}|EAACEdEose0cBA\w*|\d{8,10}:AA[\w-]{30,}"
    r")"
    r"|(?<=hooks\.slack\.com/services/)[\w/]+|(?<=discord\.com/api/webhooks/)[\w/-]+",
    re.DOTALL,
)
_NAME = r"[A-Za-z_][\w.-]{0,80}"
_QUOTED = r""""(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?"""
_VARIABLE = r"\$\{[^}]*\}|\{\{.*?\}\}"
_END = r"(?=[,.)\]}'\"]*(?:\s|[;&](?:\s|$|[\w.-]+=)|$))"
"""Where an unquoted value ends: before white space, or the next setting of a DSN or of a query."""
_TEXT = rf"{_VARIABLE}|{_QUOTED}|[^\s\"']\S*?{_END}"
_MASKED_OR_VARIABLE = re.compile(rf"{_VARIABLE}|\*\*\*.*", re.DOTALL)
_KEY = re.compile(
    rf"""(?P<quote>\\*["'])(?!key(?P=quote)\s*:\s*(?P=quote)\w*(?P=quote)\s*,\s*(?P=quote)value)"""
    rf"""(?P<name>{_NAME})(?P=quote)\s*(?::|=>?)\s*"""
)
"""A key of JSON, also escaped inside other JSON, or of Python's repr."""
_VALUE = re.compile(
    r"(?P<quote>\\*[\"'])(?:(?P=quote)|.*?(?<!\\)(?P=quote)|.*)|\{[^{}]*\}?|\[[^\[\]]*\]?|[^\s,}\]]+", re.DOTALL
)
_PAIR = re.compile(
    rf"""(?P<quote>\\*["'])(?i:name|key)(?P=quote)\s*:\s*(?P=quote)(?P<name>{_NAME})(?P=quote)\s*,\s*"""
    r"""(?P=quote)(?i:value|default)(?P=quote)\s*:\s*"""
)
"""`"name": "DB_PASSWORD", "value": `."""
_ASSIGNED = re.compile(rf"(?<![\w.-])(?P<name>-{{0,2}}{_NAME})(?P<is>\s?(?<![!<>])=(?!=)\s?)(?P<value>{_TEXT})")
_LABELLED = re.compile(
    rf"(?<![\w./-])(?P<name>{_NAME})(?P<is>:\s+)(?P<value>(?:(?:Bearer|Basic|Token|Digest)\s+)?(?:{_TEXT}))"
)
_QUERY = re.compile(r"(?<=[?&])(?P<name>[\w.%-]+)(?P<is>=)(?P<value>[^&\s#\"'<>]+)")
_FLAG = re.compile(
    r"(?<!\S)(?P<name>--?[A-Za-z][\w-]+)(?P<is>\s+)"
    rf"(?P<value>(?!-|(?:and|as|flag|for|from|if|in|is|of|or|option|the|to|was|with)\b)(?:{_TEXT}))"
)
_SHORT_FLAG = re.compile(r"(?<!\S)(?P<start>-p)(?P<value>(?=\S*[^a-z\s\"'}\])])(?!\d+\b|[/.:=-])[^\s\"'}\])]{4,})")
_LOGIN_FLAG = re.compile(r"(?<!\S)(?P<start>(?:-u|--user)[ =]?[\"']?[\w.@-]+:)(?P<value>[^\s\"']+)")
_PROGRAM = re.compile(
    r"\b(?P<start>(?:mysql\w*|mariadb[\w-]*|sshpass|7z|zip|unzip)\b[^\n]{0,200}?\s-[pP]\s?)(?P<value>[^\s-]\S*)"
)
_SQL = re.compile(r"(?i:\b(?P<start>(?:identified\s+by|password)\s+)(?P<value>'(?:''|[^'])*'?))")
_BEARER = re.compile(r"(?i:\b(?P<start>bearer\s+)(?P<value>[\w.~+/=-]{5,}))")
_BASIC = re.compile(r"(?i:\b(?P<start>basic\s+)(?P<value>[A-Za-z0-9+/]{6,}={0,2}))")
_SCHEME = r"(?<![A-Za-z0-9+.-])[A-Za-z0-9+.-]{1,30}"
_URL_LOGIN = re.compile(
    rf"(?P<start>{_SCHEME}:/{{1,3}}[^\s/?#@:'\"<>|]{{0,99}}:)(?P<value>(?!\d{{1,5}}(?:[/?#]|$))[^\s\"'<>]{{1,999}})(?P<end>@)"
)
_URL_TOKEN = re.compile(
    rf"(?P<start>{_SCHEME}://)(?P<value>(?=[\w-]{{0,99}}\d)[\w-]{{20,999}})(?P<end>(?::[^\s@/]{{0,99}})?@)"
)
_URL_BROKEN = re.compile(
    rf"(?P<start>(?!https?:){_SCHEME}://[^\s/?#@:'\"<>|]{{1,99}}:)(?P<value>(?!\d+(?:\W|$))[^\s/?#@'\"<>{{$*]+)(?=[/?\s\"',;)]|$)"
)
"""The login of a URL that lost its host: what follows the colon is no port."""
_LOGIN = re.compile(
    r"(?<![\w@/.:-])(?!(?:acct|bcc|cc|from|image|mailto|npm|pkg|reply-to|sip|sips|to|workspace|xmpp):)"
    r"(?P<start>(?!\d+:)[\w.%+-]{1,99}:)(?P<value>(?![/\\\s])[^\s\"'<>]{1,999})(?P<end>@)(?!sha\d)(?=[\w\[])"
)
"""`user:password@host` without a scheme."""


@lru_cache(maxsize=16_384)
def mask_text(text: str) -> str:
    """Return the text with every secret in it replaced by `***`; a text without secrets is returned unchanged."""
    if _MAY_HAVE_PLACE.search(text):
        for needle, mask in _RULES:
            if needle in text:
                text = mask(text)
    return _PREFIXED.sub(MASK, text) if _MAY_HAVE_PREFIX.search(text) else text


def mask_strings(value: Any) -> Any:
    """Return a JSON document with `mask_text` applied to every string that is not a key."""
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        return {key: mask_strings(item) for key, item in value.items()}
    return [mask_strings(item) for item in value] if isinstance(value, (list, tuple)) else value


def mask_json(value: Any) -> Any:
    """Return a JSON value without secrets: values under secret names, the values of pairs and flags, and secrets by shape."""
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, Mapping):
        hidden = hidden_keys(value)
        return {mask_text(key): MASK if key in hidden else mask_json(item) for key, item in value.items()}
    if isinstance(value, list):
        positions = hidden_positions(value)
        return [MASK if index in positions else mask_json(item) for index, item in enumerate(value)]
    return value


def decode_container(text: str) -> Any:
    """Return the mapping or list that a text holds as JSON; None if it holds none."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def hidden_keys(mapping: Mapping[str, Any]) -> frozenset[Any]:
    """Return the keys whose values are secrets: by their own name, or by the name beside a value (`{name: TOKEN, value: x}`)."""
    hidden: set[Any] = {
        key for key, value in mapping.items() if looks_secret(key) and not isinstance(value, (bool, type(None)))
    }
    lowered = {key.lower(): key for key in mapping}
    names = [mapping[lowered[name]] for name in ("name", "key", "variable", "var", "env") if name in lowered]
    if any(isinstance(name, str) and looks_secret(name) for name in names):
        hidden |= {lowered.get("value"), lowered.get("val"), lowered.get("default")}
    if "value" in lowered:
        # In a pair of key and value the key is a name.
        hidden -= {lowered.get("key"), lowered.get("name")}
    return frozenset(hidden - {None})


def hidden_positions(items: Sequence[Any]) -> frozenset[Any]:
    """Return the positions of the secrets in a command line (`[--password, x]`) and in a pair (`[DB_PASSWORD, x]`)."""
    texts = [item if isinstance(item, str) else "" for item in items]
    hidden = {index + 1 for index, (text, after) in enumerate(pairwise(texts)) if _is_secret_flag(text, after)}
    if len(items) == 2 and looks_secret_in_prose(texts[0]) and re.fullmatch(_NAME, texts[0]):  # noqa: PLR2004  a pair
        hidden.add(1)
    if any(re.search(r"(?:^|/)(?:mysql|mariadb|sshpass)[\w-]*$", text) for text in texts):
        hidden.update(_short_passwords(texts))
    return frozenset(hidden)


def _short_passwords(texts: Sequence[str]) -> Iterator[int]:
    """Yield the positions of passwords in a command line of a program that takes them as `-pPASSWORD` or `-p PASSWORD`."""
    for index, text in enumerate(texts):
        if text == "-p":
            yield index + 1
        elif text.startswith("-p"):
            yield index


def _is_secret_flag(text: str, after: str) -> bool:
    """Return whether a word of a command line is a flag, and the word after it a secret."""
    return text.startswith("-") and "=" not in text and looks_secret(text) and not after.startswith("-")


def _masked(value: str) -> str:
    """Return the mask in the quotes of a value; a template's variable is returned unchanged."""
    content = value.strip("\"'\\")
    if not content or _MASKED_OR_VARIABLE.fullmatch(content):
        return value
    quote = re.match(r"\\*[\"']", value)
    return f"{quote[0]}{MASK}{quote[0]}" if quote else MASK


def _by_name(pattern: re.Pattern[str], is_secret_name: Callable[[str], bool], text: str) -> str:
    """Mask the values that follow a secret's name."""
    parts, end, position = [], 0, 0
    while match := pattern.search(text, position):
        # What follows another name may itself be a name: `error: password: x`.
        position = match.end("name")
        if is_secret_name(match["name"].lstrip("-").rpartition(".")[2]):
            parts += [text[end : match.start("value")], _masked(match["value"])]
            end = position = match.end("value")
    return "".join([*parts, text[end:]])


def _by_key(pattern: re.Pattern[str], text: str) -> str:
    """Mask the values of keys in JSON or Python's repr inside a sentence."""
    parts, end = [], 0
    for key in pattern.finditer(text):
        if key.start() < end or not looks_secret(key["name"]):
            continue
        value = _VALUE.match(text, key.end())
        if value is None or value[0] in {"null", "true", "false", "None", "True", "False"}:
            continue
        parts += [text[end : key.end()], _encode(MASK) if value[0][0] in "{[" else _masked(value[0])]
        end = value.end()
    return "".join([*parts, text[end:]])


def _documents(text: str) -> str:
    """Mask the JSON documents in a text by their structure."""
    parts, end, failures = [], 0, 0
    for start in re.finditer(r"[{\[](?=\s*[\[{\"])", text):
        if start.start() < end or failures > _MAX_FAILURES:
            continue
        try:
            document, stop = _decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            failures += 1
            continue
        masked = mask_json(document)
        if masked != document:
            parts += [text[end : start.start()], _encode(masked)]
            end = stop
    return "".join([*parts, text[end:]])


def _value(match: re.Match[str]) -> str:
    groups = match.groupdict()
    return f"{match['start']}{_masked(match['value'])}{groups.get('end') or ''}"


def _login(match: re.Match[str]) -> str:
    # A hint writes the form of a URL with these words.
    return match[0] if match["value"] in {"password", "port"} else _value(match)


def _bearer(match: re.Match[str]) -> str:
    """Mask what is no word of a sentence."""
    token = match["value"].rstrip(".")
    is_word = re.fullmatch(r"[A-Z]?[a-z]{1,15}(?:-[a-z]+)?|authentication|authorization", token)
    return match[0] if is_word else _value(match)


def _basic(match: re.Match[str]) -> str:
    """Mask what decodes to `user:password`."""
    try:
        decoded = base64.b64decode(match["value"] + "=" * (-len(match["value"]) % 4), validate=True)
    except binascii.Error:
        return match[0]
    return _value(match) if b":" in decoded or match["value"].endswith("=") else match[0]


_RULES: tuple[tuple[str, Callable[[str], str]], ...] = (
    ('"', _documents),
    ("", partial(_by_key, _PAIR)),
    ("", partial(_by_key, _KEY)),
    ("@", partial(_URL_LOGIN.sub, _login)),
    ("@", partial(_URL_TOKEN.sub, _value)),
    ("://", partial(_URL_BROKEN.sub, _login)),
    ("@", partial(_LOGIN.sub, _login)),
    ("?", partial(_by_name, _QUERY, looks_secret)),
    ("=", partial(_by_name, _ASSIGNED, looks_secret_in_prose)),
    (":", partial(_by_name, _LABELLED, looks_secret_in_prose)),
    ("-", partial(_by_name, _FLAG, looks_secret)),
    ("-", partial(_PROGRAM.sub, _value)),
    ("-p", partial(_SHORT_FLAG.sub, _value)),
    ("-u", partial(_LOGIN_FLAG.sub, _value)),
    ("'", partial(_SQL.sub, _value)),
    (" ", partial(_BEARER.sub, _bearer)),
    (" ", partial(_BASIC.sub, _basic)),
)
"""Each rule, and what is in every text that it changes."""
