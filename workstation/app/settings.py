"""Program settings: the machine's own choices. Scientific parameters live in the examination, never here."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from workstation.domain.errors import InputError


class Settings(BaseSettings):
    """Read from ``settings.toml`` in the workstation's folder; ``WORKSTATION_<NAME>`` in the environment wins.

    Attributes:
        device: where networks run; "auto" takes a CUDA device when there is one.
        precision: "auto" takes bfloat16 where the device has it natively.
        organisation: printed in the self-made signing identity.
        identity: PKCS#12 file to sign reports with; empty for the self-made one.
        second_digest: computed at intake from the same read besides SHA-256, for matching with other tools (E1).
        verify_on_open: exhibits verified in the background when the window opens a case: all of them, only those whose
            size, mode or time is in doubt, or none (E5).
        detector_families: names of the distributions, beside this program's own, whose code may run as a family of
            detectors, such as ["acme-detectors"]; none of it is loaded otherwise.
        verify_every_hours: between two verifications of all exhibits while a case stays open in the window; 0 for none.
    """

    model_config = SettingsConfigDict(env_prefix="WORKSTATION_", extra="ignore")

    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    organisation: str = ""
    identity: str = ""
    second_digest: Literal["", "sha512", "blake2b", "md5"] = ""
    verify_on_open: Literal["full", "quick", "off"] = "full"
    detector_families: list[str] = Field(default_factory=list)
    verify_every_hours: float = Field(default=24.0, ge=0.0)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(root: Path) -> Settings:
    """Read the settings of the workstation folder ``root``.

    Raises:
        InputError: when the file cannot be read or holds a value that is not allowed.
    """

    class Here(Settings):
        model_config = SettingsConfigDict(
            env_prefix="WORKSTATION_", extra="ignore", toml_file=str(root / "settings.toml")
        )

    try:
        return Here()
    except (ValidationError, ValueError) as error:
        detail = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        where = ".".join(str(part) for part in detail["loc"])
        raise InputError(f"settings.toml: {where} {detail['msg']}.", "Correct or delete the file.") from error
