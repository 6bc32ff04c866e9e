"""Writes the site files of the simulated community: tables of plain values, read by us alone."""

import json
import re
from pathlib import Path

Table = dict[str, object]
Tables = dict[str, Table]


def write(path: Path, text: str) -> None:
    """A file with mode 0600, in a folder that is ours alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")


def toml(tables: Tables, **top: str) -> str:
    """TOML of plain values; JSON's notation of texts, numbers and truth is TOML's too."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in top.items()]
    for table, values in tables.items():
        lines += ["", f"[{table}]", *(f"{_key(key)} = {_value(value)}" for key, value in values.items())]
    return "\n".join([*lines, ""])


def _value(value: object) -> str:
    """JSON, but for tables in a list."""
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        inline = (", ".join(f"{_key(key)} = {json.dumps(one)}" for key, one in each.items()) for each in value)
        return f"[{', '.join(f'{{ {each} }}' for each in inline)}]"
    return json.dumps(value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)
