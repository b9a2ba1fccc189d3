"""The command-line options of every measuring task, declared once: name, type and help."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from testbed.errors import TestbedError
from testbed.model.base import Model


def _split(value: Any) -> Any:
    """Names separated by commas."""
    if isinstance(value, str):
        return [name.strip() for name in value.split(",") if name.strip()]
    return value


Names = Annotated[list[str], BeforeValidator(_split)]


class Options(Model):
    """What a measuring task takes. None: as the experiment file has it."""

    rate: float | None = Field(None, description="requests per second asked (constant rate)")
    duration: float | None = Field(None, description="seconds of measured load per run")
    connections: int | None = Field(None, description="connections kept open")
    threads: int | None = Field(None, description="threads; of pacer, processes at most")
    warmup: float | None = Field(None, description="seconds of load before the measured part")
    timeout: float | None = Field(None, description="seconds until a request has timed out")
    trials: int | None = Field(None, description="how often each app and endpoint is run")
    apps: Names | None = Field(None, description="names separated by commas; default: all")
    endpoints: Names | None = Field(None, description="names separated by commas")
    generator: str | None = Field(None, description="auto, wrk, wrk2 or pacer")
    seed: int | None = Field(None, description="decides the order of runs; default: random")
    inventory: str | None = Field(None, description="hosts; default: that of ansible.cfg, the lab")
    resume: str | None = Field(None, description="folder of a campaign to go on with")
    apps_path: str | None = Field(None, description="a folder with apps of your own, as apps/")
    dry_run: bool = Field(False, description="print the plan, touch no host")
    strict: bool = Field(False, description="exit code 5 unless every run is valid")
    quiet: bool = Field(False, description="print results only")

    def overrides(self) -> dict[str, Any]:
        """Those that change the experiment."""
        rest = {"seed", "inventory", "resume", "apps_path", "dry_run", "strict", "quiet"}
        return self.model_dump(exclude=rest)


def option_name(field: str) -> str:
    """As the user types it."""
    return f"--{field.replace('_', '-')}"


def read(given: dict[str, Any]) -> Options:
    """Typed options. Raises TestbedError, naming each option that is wrong."""
    try:
        options = Options.model_validate(given)
    except ValidationError as error:
        lines = [
            f"{option_name(str(item['loc'][0]))}: {item['msg']} (given: {item['input']!r})"
            for item in error.errors()
        ]
        raise TestbedError("\n".join(lines)) from error
    if options.resume is not None:
        changed = [name for name, value in options.overrides().items() if value is not None]
        changed += [name for name in ("seed", "apps_path") if getattr(options, name) is not None]
        if changed:
            named = ", ".join(map(option_name, changed))
            raise TestbedError(
                f"--resume goes on with a campaign as it was begun; it does not go with {named}"
            )
    return options


def defaults() -> dict[str, tuple[Any, str]]:
    """Each option's default and help text."""
    return {
        name: (field.default, field.description or "")
        for name, field in Options.model_fields.items()
    }
