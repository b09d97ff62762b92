"""A search gives the windows' answer, where it is, and what it took."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from board_app.network.classifier import Classifier
from board_app.network.overlay import Overlay
from board_app.network.pooling import KEPT, SURE, combine, pool
from board_app.network.reference import Reference
from board_app.pictures.picture import Picture

RED = 4


@dataclass
class RedFinder:
    """A backend that knows one class: the redder a picture, the surer."""

    name: str = "red finder"
    windows: int = 300
    clock_mhz: float | None = 100.0
    last_cycles: int | None = None

    def execute(self, images: np.ndarray) -> np.ndarray:
        logits = np.zeros((len(images), 10), np.int32)
        logits[:, RED] = 400 * (images[..., 0].mean(axis=(1, 2)) - images[..., 1].mean(axis=(1, 2)))
        self.last_cycles = 1000 * len(images)
        return logits

    def now(self) -> float:
        return 0.0

    def close(self) -> None:
        pass


def photo(size: tuple[int, int], square: tuple[int, int, int, int]) -> Picture:
    image = Image.new("RGB", size, (90, 90, 90))
    image.paste((250, 0, 0), square)
    return Picture(np.asarray(image.resize((32, 32))), image, (2 * size[0], 2 * size[1]))


def test_search_finds_the_place(overlay: Overlay) -> None:
    found = Classifier(overlay, RedFinder()).search(photo((400, 300), (280, 30, 400, 150)))
    assert (found.label, found.index, found.sure) == ("deer", RED, True)
    assert found.probability == found.probabilities["deer"] > SURE
    left, top, right, bottom = found.box
    assert left >= 540 and top >= 40 and right <= 800 and bottom <= 320  # in the original's pixels
    assert found.pixels.mean(axis=(0, 1))[0] > 240
    assert found.cycles == 1000 * found.windows and found.windows > 100
    assert found.chip_milliseconds == found.windows / 100


def test_search_is_not_sure_of_nothing(overlay: Overlay) -> None:
    found = Classifier(overlay, RedFinder()).search(photo((400, 300), (0, 0, 0, 0)))
    assert not found.sure and abs(found.probability - 0.1) < 1e-9


def test_a_small_picture_is_classified_as_it_is(overlay: Overlay) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    reference = Reference(overlay.graph())
    picture = Picture(pixels, Image.fromarray(pixels), (32, 32))
    found = Classifier(overlay, reference).search(picture)
    (logits,) = reference.execute(pixels[np.newaxis]).tolist()
    assert list(found.logits.values()) == logits
    assert found.index == int(np.argmax(logits))
    assert found.label == overlay.manifest.classes[found.index]
    assert (found.box, found.windows) == ((0, 0, 32, 32), 1)
    assert found.cycles is None and found.chip_milliseconds is None


def test_the_reference_looks_through_fewer_windows(overlay: Overlay) -> None:
    scene = photo((400, 300), (0, 0, 50, 50))
    reference = Classifier(overlay, Reference(overlay.graph())).search(scene)
    assert 1 < reference.windows <= 40 < 300
    assert Classifier(overlay, RedFinder()).search(scene, most=1).windows == 1


def test_the_most_confident_windows_decide(overlay: Overlay) -> None:
    """A thousand windows that know nothing do not outvote those that know."""
    manifest = replace(overlay.manifest, logit_scale=1.0)
    logits = np.zeros((1000, 10), np.int32)
    logits[500 : 500 + KEPT, 7] = 9
    found = pool(manifest, logits, 3)
    assert found.label == 7 and found.sure and 500 <= found.window < 500 + KEPT


def test_what_all_windows_say_counts_less(overlay: Overlay) -> None:
    """Grass looks like a frog everywhere, the ship is in one place."""
    manifest = replace(overlay.manifest, logit_scale=1.0)
    logits = np.zeros((200, 10), np.int32)
    logits[:, 6] = 5
    logits[70] = np.eye(10, dtype=np.int32)[8] * 4
    found = pool(manifest, logits, 3)
    assert (found.label, found.window) == (8, 70)
    mean, window = combine(manifest.probabilities(logits))
    assert (int(mean.argmax()), window) == (8, 70)


def test_the_temperature_is_that_of_the_scales(overlay: Overlay) -> None:
    logits = np.zeros((9, 10), np.int32)
    logits[0, 2] = 20_000
    search = {"temperatures": {"2": 2.0, "3": 0.5}}
    manifest = replace(overlay.manifest, calibration={"search": search})
    sharp, plain, soft = (pool(manifest, logits, scales).probabilities for scales in (3, 4, 2))
    assert plain.argmax() == sharp.argmax() == soft.argmax() == 2
    assert sharp[2] > plain[2] > soft[2]
    np.testing.assert_allclose(sharp, plain**2 / (plain**2).sum())
