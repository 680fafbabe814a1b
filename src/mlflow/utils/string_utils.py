from __future__ import annotations


def strip_prefix(original: str, prefix: str) -> str:
    """`original` without `prefix`, if it begins so."""
    return original.removeprefix(prefix)


def strip_suffix(original: str, suffix: str) -> str:
    """`original` without `suffix`, if it ends so."""
    return original.removesuffix(suffix)


def is_string_type(item: object) -> bool:
    """Whether it is text."""
    return isinstance(item, str)


def _create_table(
    rows: list[list[str]], headers: list[str], column_sep: str = "  ", min_column_width: int = 4
) -> str:
    """A table in plain text: headers, a line of dashes, rows; columns aligned to the left."""
    lines = [headers, *rows]
    widths = [
        max(min_column_width, *(len(line[column]) for line in lines))
        for column in range(len(headers))
    ]

    def in_columns(cells: list[str]) -> str:
        return column_sep.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))

    dashes = ["-" * width for width in widths]
    return "\n".join([in_columns(headers), in_columns(dashes), *map(in_columns, rows), ""])
