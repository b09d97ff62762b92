"""A line that is too long takes nobody more; one that is empty takes anybody."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from board_app.errors import Busy
from board_app.system.line import PATIENCE, Line


def test_as_many_at_once_as_may() -> None:
    line, inside, most = Line(2), [], []

    def come() -> None:
        with line.admitted(), line.turn():
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.005)
            inside.pop()

    with ThreadPoolExecutor(10) as pool:
        for future in [pool.submit(come) for _ in range(20)]:
            future.result()
    assert max(most) == 2 and not inside


def test_too_long_a_line() -> None:
    line = Line(2)
    line._seconds = 1.0
    with line.admitted(100):  # however many: nobody was there
        with pytest.raises(Busy) as refused, line.admitted():
            pass
        assert refused.value.seconds == 50
    with line.admitted(int(2 * PATIENCE)), line.admitted():
        pass


def test_its_pace_is_measured() -> None:
    line = Line(1)
    with pytest.raises(ZeroDivisionError), line.turn():
        time.sleep(0.01)
        raise ZeroDivisionError
    assert 0.01 <= line._seconds < 1
    gate = threading.Event()

    def hold() -> None:
        with line.admitted(1000), line.turn():
            assert gate.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    while line._admitted == 0:
        time.sleep(0.001)
    with pytest.raises(Busy), line.admitted():
        pass
    gate.set()
    thread.join()
    with line.admitted():
        pass
