"""A table and the expression made of it are the same function."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from host_build.readback.expressions import expression

NAMES = "abcdef"


def value(text: str, names: dict[str, int]) -> int:
    """What a Verilog expression of single bits gives."""
    tokens = re.findall(r"1'b[01]|[a-f]|[~()&|^?:]", text)
    assert "".join(tokens) == text.replace(" ", "")

    def term() -> int:
        token = tokens.pop(0)
        if token == "~":
            return 1 - term()
        if token == "(":
            found = whole()
            assert tokens.pop(0) == ")"
            return found
        return int(token[-1]) if token.startswith("1'b") else names[token]

    def whole() -> int:
        left = term()
        if not tokens or tokens[0] == ")":
            return left
        operator, right = tokens.pop(0), term()
        if operator == "?":
            assert tokens.pop(0) == ":"
            other = term()
            return right if left else other
        return {"&": left & right, "|": left | right, "^": left ^ right}[operator]

    found = whole()
    assert not tokens
    return found


@given(st.data(), st.integers(0, 6))
def test_expression(data: st.DataObject, count: int) -> None:
    table = data.draw(st.integers(0, (1 << (1 << count)) - 1))
    inputs = [data.draw(st.sampled_from(["0", "1", name, name, name])) for name in NAMES[:count]]
    text = expression(table, inputs)
    for k in range(1 << count):
        bits = [k >> i & 1 for i in range(count)]
        if all(
            name not in "01" or int(name) == bit for name, bit in zip(inputs, bits, strict=True)
        ):
            names = dict(zip(NAMES[:count], bits, strict=True))
            assert value(text, names) == table >> k & 1


def test_well_known_tables() -> None:
    assert expression(0b1000, ["a", "b"]) == "(a & b)"
    assert expression(0b0110, ["a", "b"]) == "(a ^ b)"
    assert expression(0b01, ["a"]) == "(~a)"
    assert expression(0xCA, ["a", "b", "c"]) == "(c ? b : a)"
    assert expression(0xCA, ["1", "b", "c"]) == "(b | (~c))"
    assert expression(0, ["a", "b"]) == "1'b0"
