"""When to give up on a candidate: successive halving along the front of accuracy against speed."""

from __future__ import annotations

from optuna import Study
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState

SPEED = "fps"
"""The user attribute of a trial with its frames a second."""


class FrontHalving(BasePruner):
    """Asynchronous successive halving (Li et al., 2020) among candidates at least as fast.

    After 1, 2, 4 ... reported epochs a trial goes on if it is in the better half of those that
    reported that epoch and are no slower. A slow network must therefore be accurate, a fast one
    only more accurate than others as fast, and the front keeps both its ends.
    """

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        step = trial.last_step
        if step is None or step & (step - 1):
            return False
        rivals = [
            other.intermediate_values[step]
            for other in study.get_trials(deepcopy=False)
            if other.number != trial.number
            # What was cut short is repeated.
            and other.state is not TrialState.FAIL
            and step in other.intermediate_values
            and other.user_attrs[SPEED] >= trial.user_attrs[SPEED]
        ]
        better = sum(value > trial.intermediate_values[step] for value in rivals)
        return better >= max(1, (len(rivals) + 1) // 2)
