"""Training of detectors: a configuration to a package, as a job on the lane of networks.

The room of training knows no codec and no settings; they are handed down from here.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from resources import resource_path
from workstation.app.paths import refused
from workstation.domain.errors import InputError
from workstation.domain.ids import JobId
from workstation.domain.jobs import JobContext, Lane

if TYPE_CHECKING:
    from workstation.app.engine import Engine
    from workstation.training.runs.config import Config

_SHIPPED = "training"


def shipped() -> tuple[str, ...]:
    """Names of the configurations that come with the program."""
    return tuple(sorted(path.stem for path in resource_path(_SHIPPED).glob("*.toml")))


def read_configuration(name: str, *, data: Path | None = None) -> Config:
    """The configuration in a file, or the one of that name that comes with the program.

    Args:
        data: folder that takes the place of the configuration's own.

    Raises:
        InputError: there is none, or it is not in order.
    """
    from workstation.training.runs.config import read_config

    path = Path(name)
    if not path.exists() and name in shipped():
        path = resource_path(f"{_SHIPPED}/{name}.toml")
    if not path.is_file():
        raise InputError(
            f"There is no training configuration {name}.", f"With the program come {', '.join(shipped())}."
        )
    config = read_config(path)
    return replace(config, data=replace(config.data, root=str(data.resolve()))) if data is not None else config


def submit_training(
    engine: Engine, config: Config, output: Path, *, resume: bool = False, device: str = "auto"
) -> JobId:
    """Train on the gpu lane, and install the package when the configuration asks for it.

    Result: ``package`` (id, folder, SHA-256 of the weights), ``installed`` (folder or ""), ``record`` (run.json).

    Raises:
        InputError: the package's id is taken on this machine; before anything is queued.
    """
    package = config.package
    if package.install and any(one.card.id == package.id for one in engine.detectors()):
        raise InputError(
            f"{package.id} is installed on this machine already.", "Choose another package.id, or remove it."
        )

    def work(context: JobContext) -> dict[str, object]:
        from workstation.media.recoding import recode
        from workstation.training.runs.running import train

        try:
            outcome = train(
                config,
                output,
                context,
                resume=resume,
                device=device,
                detectors=engine.home.detectors,
                recode=recode,
            )
        except OSError as error:
            raise refused(error, output) from error
        folder = outcome.package.folder
        installed = engine.install_detector(Path(folder)).folder if package.install else ""
        card = outcome.package.card
        return {
            "package": {"id": card.id, "folder": folder, "weights_sha256": card.weights.sha256},
            "installed": installed,
            "record": outcome.record.as_facts(),
        }

    return engine.jobs.submit(Lane.GPU, f"Train {package.id}", work, unit="steps")
