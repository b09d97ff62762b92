"""The board's program on the board's architecture, put there and started as on a board.

ARMV7L_SUITES="bookworm bullseye" tests with the newest and the oldest Python and numpy that the
program is for; without it, with the newest ones.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from board_app.network import overlay, vectors
from board_app.network.reference import Reference
from board_app.pictures import cifar10 as data

from ..deploy.stand_in import Checkout, board_python, free_port, get, wait_until
from .machine import HERE, Machine, make_root, require

pytestmark = [pytest.mark.armv7l, pytest.mark.slow]

SUITES = {"bookworm": ("3.11.", "1.24."), "bullseye": ("3.9.", "1.19.")}
LIBRARIES = "/usr/lib/arm-linux-gnueabihf"


@dataclass(frozen=True)
class Deployed:
    """A machine with the demo running, what deploy.sh said, and how it is called."""

    machine: Machine
    checkout: Checkout
    web_port: int
    said: str

    @property
    def way(self) -> list[object]:
        return ["root@127.0.0.1", "-F", self.machine.config, "--port", self.machine.port]

    def app(self, *arguments: object, content: bytes = b"") -> subprocess.CompletedProcess[str]:
        """Run the deployed program; it need not succeed."""
        words = " ".join(map(str, arguments))
        return self.machine.run(
            f"cd resnet8/current && BOARD_APP_SAMPLES=samples python3 -m board_app {words}",
            content, check=False,
        )  # fmt: skip

    def logits(self, images: np.ndarray, blas: str) -> dict[str, Any]:
        """What logits.py says of the images, its numpy using that BLAS."""
        script, content = (HERE / "logits.py").read_text(), io.BytesIO()
        np.save(content, images)
        done = self.machine.run(
            f"cd resnet8/current && LD_LIBRARY_PATH={LIBRARIES}/{blas} python3 -c '{script}'",
            content.getvalue(),
        )
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["blas"] and all(blas in path for path in found["blas"])
        return found


@pytest.fixture(scope="module", params=os.environ.get("ARMV7L_SUITES", "bookworm").split())
def suite(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def machine(suite: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    require()
    started = Machine.start(make_root(suite), tmp_path_factory.mktemp("machine"))
    yield started
    started.close()


@pytest.fixture(scope="module")
def deployed(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """The machine after `deploy.sh lightweight`, without CIFAR-10."""
    board_python()  # has the sample pictures
    folder = tmp_path_factory.mktemp("checkout") / "here"
    checkout = Checkout.real(folder)
    shipped = overlay.find("lightweight")
    files = [name for name in shipped.manifest.files if not name.endswith(".bit")]  # no FPGA here
    contents = {name: (shipped.folder / name).read_bytes() for name in files}
    overlay.write(folder / "overlays" / "lightweight", shipped.manifest, contents)
    found = Deployed(machine, checkout, free_port(), "")
    done = checkout.run(
        "lightweight", *found.way, "--web-port", found.web_port,
        env={"XDG_CACHE_HOME": str(folder / "cache")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return Deployed(machine, checkout, found.web_port, done.stdout)


@pytest.fixture(scope="module")
def golden() -> vectors.Vectors:
    return vectors.load(overlay.find("lightweight"))


def test_it_is_the_board_s_processor(machine: Machine) -> None:
    """A Cortex-A9: NEON and VFPv3, but no fused multiply-add."""
    features = machine.run("uname -m; LD_SHOW_AUXV=1 /bin/true").stdout.split()
    assert features[0] == "armv7l"
    assert {"neon", "vfpv3"} <= set(features) and "vfpv4" not in features


def test_deploy(deployed: Deployed) -> None:
    assert "vectors equal, bit for bit" in deployed.said
    assert f"at http://127.0.0.1:{deployed.web_port}/" in deployed.said
    status = deployed.checkout.run("--status", *deployed.way)
    assert status.returncode == 0 and "demo: running" in status.stdout


def test_vectors_with_openblas(deployed: Deployed, golden: vectors.Vectors, suite: str) -> None:
    """The self-test during the deployment was with the plain BLAS."""
    found = deployed.logits(golden.images, "openblas-pthread")
    assert found["logits"] == golden.logits.tolist()
    python, numpy = SUITES[suite]
    assert found["versions"]["Python"].startswith(python)
    assert found["versions"]["numpy"].startswith(numpy)


def test_cifar10(deployed: Deployed, cifar10: Path) -> None:
    images = data.load(cifar10, "test").images[:100]
    expected = Reference(overlay.find("lightweight").graph()).execute(images)
    found = deployed.logits(images, "blas")
    assert found["logits"] == expected.tolist()
    print(f"{10 * found['seconds']:.0f} ms an image under qemu")


def test_web(deployed: Deployed, golden: vectors.Vectors) -> None:
    wait_until(lambda: "<html" in str(get(deployed.web_port, "/")), 60)
    info = json.loads(str(get(deployed.web_port, "/api/info")))
    assert (info["machine"]["architecture"], info["backend"]) == ("armv7l", "reference")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for image, logits in zip(golden.images[:3], golden.logits, strict=False):
        request = urllib.request.Request(
            f"http://127.0.0.1:{deployed.web_port}/api/classify", png(image),
            {"Content-Type": "image/png"},
        )  # fmt: skip
        with opener.open(request, timeout=60) as response:
            answer = json.load(response)
        assert [answer["logits"][name] for name in info["classes"]] == logits.tolist()


def test_classify(deployed: Deployed, golden: vectors.Vectors) -> None:
    done = deployed.app("classify", "/dev/stdin", content=png(golden.images[0]))
    label = overlay.find("lightweight").manifest.classes[golden.logits[0].argmax()]
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("/dev/stdin: ") and f"{label} " in done.stdout


def test_info(deployed: Deployed, suite: str) -> None:
    done = deployed.app("info")
    assert done.returncode == 0, done.stderr
    assert "architecture armv7l" in done.stdout and f"numpy {SUITES[suite][1]}" in done.stdout


def test_benchmark(deployed: Deployed) -> None:
    options = ["--quick", "--samples", "--images", 4, "--json", "/tmp/row.json"]
    done = deployed.app("benchmark", *options)
    assert done.returncode == 0, done.stderr
    row = json.loads(deployed.machine.run("cat /tmp/row.json").stdout)
    assert row["data"]["images"] == np.sum(row["accuracy"]["confusion"]) == 4
    assert row["machine"]["architecture"] == "armv7l"


def test_without_an_fpga(deployed: Deployed) -> None:
    """What is missed first depends on whether the overlay has a bitstream yet."""
    done = deployed.app("selftest", "--backend", "fpga")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "needs pynq" in done.stderr or "has no bitstream" in done.stderr


def test_stop(deployed: Deployed) -> None:
    """The last one: the tests above use the demo."""
    assert "demo: stopped" in deployed.checkout.run("--stop", *deployed.way).stdout
    assert get(deployed.web_port, "/") is None
    assert "demo: not running" in deployed.checkout.run("--status", *deployed.way).stdout


def png(image: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    return content.getvalue()
