"""How to train: stages of float or quantised epochs with their hyper-parameters, a row a recipe."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Stage:
    """Epochs of one kind, with a cosine schedule of their own from `learning_rate` to zero.

    `warmup` epochs raise the rate linearly first. `distil` is the share of the loss that pulls the
    logits towards those of a teacher (Hinton et al., 2015), the network given to the run or else
    that of its float stage; the rest is cross entropy.
    """

    quantised: bool
    epochs: int
    learning_rate: float
    warmup: int = 0
    distil: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """SGD with momentum, RandomCrop(32, padding 4) and horizontal flips.

    `average` is the decay of an exponential moving average of the weights, which is then what is
    measured and kept (0: none). `decay_all` applies the weight decay to BatchNorm's parameters and
    the quantisers' scales too. `cutout` is the side of the square to blank (0: none). `views` is
    in how many ways each image is cropped and flipped, the same for every seed; epochs beyond that
    begin again with the first, and need nothing more of a teacher, nor do other seeds (0: every
    epoch and seed its own; Beyer et al., 2022). `norms` is from how many training images
    BatchNorm's statistics are estimated anew for what is measured and kept: the running ones are of
    weights that were rounded otherwise (0: the running ones; Nagel et al., 2022).
    """

    name: str
    stages: tuple[Stage, ...]
    batch: int = 128
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 5e-4
    decay_all: bool = True
    label_smoothing: float = 0.0
    average: float = 0.0
    cutout: int = 0
    views: int = 0
    norms: int = 0

    @property
    def quantises(self) -> bool:
        """Whether there will be a network to compile, not only one to learn from."""
        return any(stage.quantised for stage in self.stages)


_SHORT = Recipe(
    "short", (Stage(False, 12, 0.1, warmup=1), Stage(True, 4, 0.02, distil=0.5)),
    nesterov=True, decay_all=False, average=0.998,
)  # fmt: skip


def _distilled(recipe: Recipe, share: float) -> tuple[Stage, ...]:
    """All stages of `recipe` with that share; those that begin with one need a teacher."""
    return tuple(replace(stage, distil=share) for stage in recipe.stages)


# One change each from `short`, which is `strong` with fewer epochs, to tell what a part gives.
_ABLATIONS = (
    _SHORT,
    replace(_SHORT, name="short-no-average", average=0.0),
    replace(_SHORT, name="short-no-distil", stages=_distilled(_SHORT, 0.0)),
    replace(_SHORT, name="short-decay-all", decay_all=True),
    replace(_SHORT, name="short-decay-1e-4", weight_decay=1e-4),
    replace(_SHORT, name="short-smoothing", label_smoothing=0.1),
    replace(_SHORT, name="short-cutout", cutout=8),
    replace(_SHORT, name="short-views", views=4),
    replace(_SHORT, name="short-taught", stages=_distilled(_SHORT, 0.5)),
    replace(_SHORT, name="short-taught-90", stages=_distilled(_SHORT, 0.9)),
)

# Nearly all of it float and learned from a larger network, whose logits are kept.
_TAUGHT = Recipe(
    "taught",
    (Stage(False, 160, 0.1, warmup=3, distil=0.7), Stage(True, 16, 0.02, warmup=1, distil=0.7)),
    nesterov=True, decay_all=False, average=0.998, views=16,
)  # fmt: skip

# For a large network that shall only teach: few epochs, lest it know the answers by heart.
_TEACHER = Recipe(
    "teacher", (Stage(False, 18, 0.1, warmup=2),),
    nesterov=True, decay_all=False, average=0.998, cutout=8,
)  # fmt: skip

# For quantised weights that are there already, as the overlays': they stay quantised.
_AGAIN = Recipe(
    "again", (Stage(True, 36, 0.05, warmup=1),),
    nesterov=True, decay_all=False, average=0.998, cutout=12,
)  # fmt: skip

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("report", (Stage(True, 200, 0.1),)),
        # Float epochs cost two thirds of quantised ones, so most of the way is float.
        Recipe("warm", (Stage(False, 120, 0.1), Stage(True, 24, 0.02))),
        Recipe(
            "strong",
            (Stage(False, 88, 0.1, warmup=3), Stage(True, 26, 0.02, warmup=1, distil=0.5)),
            nesterov=True, decay_all=False, average=0.998,
        ),
        _TAUGHT,
        replace(
            _TAUGHT, name="taught-cutout", cutout=8,
            stages=(
                Stage(False, 120, 0.1, warmup=3, distil=0.9),
                Stage(True, 20, 0.02, warmup=1, distil=0.9),
            ),
        ),
        _TEACHER,
        # On a GPU, where the teacher's logits cost little and so do many epochs.
        replace(
            _TAUGHT, name="taught-long", cutout=8, views=48, norms=10_000,
            stages=(
                Stage(False, 160, 0.1, warmup=3, distil=0.9),
                Stage(True, 30, 0.03, warmup=1, distil=0.9),
            ),
        ),
        replace(_TEACHER, name="teacher-long", stages=(Stage(False, 50, 0.1, warmup=2),)),
        _AGAIN,
        replace(
            _AGAIN, name="again-taught", views=16,
            stages=(Stage(True, 40, 0.05, warmup=1, distil=0.9),),
        ),
        # Deep networks lose more to quantisation, and take longer to get it back.
        replace(
            _AGAIN, name="again-long", views=16, cutout=8, norms=10_000,
            stages=(Stage(True, 60, 0.05, warmup=1, distil=0.9),),
        ),
        *_ABLATIONS,
        Recipe("smoke", (Stage(False, 1, 0.1), Stage(True, 1, 0.02))),
    )
}  # fmt: skip
