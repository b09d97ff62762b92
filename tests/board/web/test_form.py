"""Forms are read as Werkzeug reads them, in bounded time."""

from __future__ import annotations

import io
import time

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from board_app.web import form
from board_app.web.form import Field, FormError

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters='"\\%'))


@given(
    st.binary(max_size=300) | st.sampled_from([b"\r\n", b"\r\n--", b"--x\r\n", b"\r\n\r\n"]),
    NAMES.filter(lambda name: name.strip() == name and name != ""),
)
def test_as_werkzeug_does(content: bytes, filename: str) -> None:
    builder = EnvironBuilder(
        method="POST", data={"picture": (io.BytesIO(content), filename), "sample": "3"}
    )
    environ = builder.get_environ()
    body = environ["wsgi.input"].read()
    environ["wsgi.input"] = io.BytesIO(body)
    request = Request(environ)
    fields = form.multipart(body, request.mimetype_params["boundary"])
    file = request.files["picture"]
    assert fields == {"picture": [Field(file.read(), file.filename)], "sample": [Field(b"3")]}
    assert fields["picture"][0].content == content
    file.close()
    builder.close()


def multipart(fields: int) -> bytes:
    part = b'--x\r\nContent-Disposition: form-data; name="n"\r\n\r\n\r\n'
    return part * fields + b"--x--\r\n"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not complete"),
        (b"--x--", None),
        (multipart(24), None),
        (multipart(25), "too many fields; 24 at most"),
        (multipart(1)[:-5], "not complete"),
        (b"--x\r\nno end\r\n--x--", "a field has no name"),
        (b"--x\r\n" + b"a" * 5000 + b"\r\n\r\n\r\n--x--", "a field has no name"),
    ],
)
def test_damaged(body: bytes, message: str | None) -> None:
    if message is None:
        form.multipart(body, "x")
        return
    with pytest.raises(FormError, match=message):
        form.multipart(body, "x")


@pytest.mark.parametrize(("length", "right"), [(1, True), (73, True), (0, False), (101, False)])
def test_boundaries(length: int, right: bool) -> None:
    boundary = "b" * length
    body = multipart(1).replace(b"--x", b"--" + boundary.encode())
    if right:
        assert list(form.multipart(body, boundary)) == ["n"]
    else:
        with pytest.raises(FormError, match="boundary"):
            form.multipart(body, boundary)


@pytest.mark.parametrize("path", ["/", "/api/classify"])
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (multipart(300_000), "multipart/form-data; boundary=x", 400),
        (b"\r\n" * 8_000_000, "multipart/form-data; boundary=x", 400),
        (b"--x\r\n\r\n" + b"\r" * 16_000_000, "multipart/form-data; boundary=x", 400),
        (multipart(1), "multipart/form-data", 400),
        (b"a=b&" * 4_000_000, "application/x-www-form-urlencoded", 415),
        (b"sample&" * 2_000_000, "application/x-www-form-urlencoded", 415),
    ],
)
def test_16_mb_of_fields_take_no_time(
    client: FlaskClient, path: str, body: bytes, kind: str, status: int
) -> None:
    began = time.thread_time()
    assert client.post(path, data=body, content_type=kind).status_code == status
    # What Werkzeug's own reading takes is 26 s; this leaves no doubt on any machine.
    assert time.thread_time() - began < 2
