"""What the requests share, and what the page shows of one picture."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import List, Optional, Tuple

from flask import current_app
from PIL import Image

from board_app.measure.whole_set import WholeSet
from board_app.network.classifier import Classifier, Prediction
from board_app.pictures.cifar10 import CLASSES, Dataset
from board_app.pictures.picture import load

KEY = "board_app"


@dataclass(frozen=True)
class Result:
    """A prediction with the picture as uploaded and as the network sees it, as data URIs."""

    prediction: Prediction
    original: str
    seen: str
    truth: Optional[str]

    @property
    def ranked(self) -> List[Tuple[str, float]]:
        """Every class with its probability, the likeliest first."""
        return sorted(self.prediction.probabilities.items(), key=lambda pair: -pair[1])


@dataclass(frozen=True)
class Demo:
    """The classifier, the samples and the run over all test images, which all requests share."""

    classifier: Classifier
    samples: Optional[Dataset]
    whole_set: WholeSet

    def upload(self, content: bytes) -> Result:
        """Classify an uploaded picture."""
        picture = load(content)
        return Result(
            self.classifier.classify(picture.pixels),
            _uri(picture.preview, "JPEG"),
            _uri(Image.fromarray(picture.pixels), "PNG"),
            None,
        )

    def sample(self, index: int) -> Result:
        """Classify a sample; IndexError where there is none of that number."""
        image = self.sample_image(index)
        uri = _uri(image, "PNG")
        assert self.samples is not None
        prediction = self.classifier.classify(self.samples.images[index])
        return Result(prediction, uri, uri, CLASSES[self.samples.labels[index]])

    def sample_image(self, index: int) -> Image.Image:
        """A sample's 32x32 pixels; IndexError where there is none of that number."""
        if self.samples is None or not 0 <= index < len(self.samples):
            raise IndexError(index)
        return Image.fromarray(self.samples.images[index])

    @property
    def sample_names(self) -> List[str]:
        """The samples' true classes."""
        return [] if self.samples is None else [CLASSES[label] for label in self.samples.labels]


def current() -> Demo:
    """The running application's demo."""
    demo: Demo = current_app.extensions[KEY]
    return demo


def encode(image: Image.Image, kind: str) -> bytes:
    """The image file's bytes."""
    content = io.BytesIO()
    image.save(content, kind, quality=85)
    return content.getvalue()


def _uri(image: Image.Image, kind: str) -> str:
    content = base64.b64encode(encode(image, kind)).decode()
    return f"data:image/{kind.lower()};base64,{content}"
