"""What a query of DuckDB would do, by the tree that DuckDB's own parser makes of it.

Files that a connection may read it could also write, as in ``with x as (copy (select 1) to 'a.csv') select 1``. So a
query is run only if every node of its tree is known to read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from chainrule.errors import DataError, UsageError

QUERIES = ("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE")
TABLES = ("BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY", "PIVOT")
MODIFIERS = ("ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER")
ORDERS = ("ORDER_DEFAULT", "ASCENDING", "DESCENDING")
KNOWN = {*QUERIES, *TABLES, *MODIFIERS, *ORDERS}
FUNCTIONS = (
    *("read_csv", "read_csv_auto", "read_parquet", "parquet_scan"),
    *("read_json", "read_json_auto", "read_ndjson", "read_ndjson_auto"),
    *("range", "generate_series", "unnest", "repeat", "repeat_row", "json_each", "json_tree"),
)


def refuse_harm(connection: Any, sql: str) -> list[str]:
    """Refuse all but one query that reads, and return the names of tables in it that have no schema before them.

    Raises
    ------
    UsageError
        If it is no query, several statements, or a query that would do more than read.
    DataError
        If DuckDB cannot parse it.

    Examples
    --------
    >>> from chainrule.data.connections import connect
    >>> with connect() as (connection, _):
    ...     refuse_harm(connection, "select a from 'a.csv' join b using (k)")
    ['a.csv', 'b']
    """
    shown = sql.strip()
    try:
        return _tables(json.loads(connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchone()[0]), shown)
    except RecursionError:
        raise UsageError(
            "--sql: the query is nested too deeply to be looked through. Name its inner queries by with, one after the "
            f"other; received {len(shown):,} characters."
        ) from None


def _tables(tree: dict[str, Any], shown: str) -> list[str]:
    if tree["error"] and tree["error_type"] == "parser":
        raise DataError(f"the SQL query failed: {tree['error_message']}. The query: {shown}")
    if tree["error"] or len(tree["statements"]) != 1:
        raise UsageError(
            f"--sql takes one query that only reads and begins with select, from, with or values; received {shown!r}."
        )
    names = []
    for node in _nodes(tree["statements"][0]):
        kind = node["type"]
        if kind not in KNOWN and not kind.endswith("_TYPE_INFO"):  # of older DuckDBs: what a number or a cast is of
            what = kind.removesuffix("_NODE").replace("_", " ").lower()
            raise UsageError(f"--sql only reads, and this query has more in it ({what}); received {shown!r}.")
        if kind == "TABLE_FUNCTION" and node["function"].get("function_name", "").lower() not in FUNCTIONS:
            raise UsageError(
                f'--sql: the table function "{node["function"].get("function_name", "")}" is not allowed. '
                f"Allowed: {', '.join(FUNCTIONS)}. Received {shown!r}."
            )
        if kind == "BASE_TABLE" and not node["schema_name"] and not node["catalog_name"]:
            names.append(node["table_name"])
    return list(dict.fromkeys(names))


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Everything in a tree that has a type but for expressions, which have a class too and only compute."""
    if isinstance(tree, dict):
        if isinstance(tree.get("type"), str) and "class" not in tree:
            yield tree
        tree = list(tree.values())
    for branch in tree if isinstance(tree, list) else ():
        yield from _nodes(branch)
