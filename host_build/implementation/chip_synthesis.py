"""Yosys on the whole chip: DMA, registers and network together, counted layer by layer."""

from __future__ import annotations

import importlib.metadata
import tempfile
from pathlib import Path

from host_build.errors import HostError
from host_build.implementation import attribution, yosys
from host_build.implementation.design import TOP, Design
from host_build.implementation.report import Report
from host_build.implementation.utilisation import Utilisation


def synthesize(design: Design, *, shift_registers: bool = True) -> tuple[Report, yosys.Synthesis]:
    """Synthesise `design`, or find it in the cache: the report, and the netlist it is about.

    Without `shift_registers` these are flip-flops, as some tools need them. HostError where Yosys
    is missing or refuses the design.
    """
    images = {name: design.files[name] for name in design.images}
    with tempfile.TemporaryDirectory() as temporary:
        sources = [Path(temporary) / name for name in design.sources]
        for path in sources:
            path.write_text(design.files[path.name])
        try:
            found = yosys.synthesize(TOP, sources, {}, images, shift_registers=shift_registers)
        except yosys.YosysError as error:
            raise HostError(str(error)) from error
    layers = attribution.by_layer(found.netlist, design)
    report = Report(
        design=design.name,
        tool="Yosys",
        version=importlib.metadata.version("pyosys"),
        stage="synthesised, flat",
        total=sum(layers.values(), Utilisation()),
        layers=layers,
        counted=attribution.COUNTED,
        estimates=design.estimates,
    )
    return report, found
