# SPDX-License-Identifier: Apache-2.0
"""Reading a campaign file: by name from qemu-configs/campaigns, or from any path."""

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

from attrs import define

from understudy import paths
from understudy.config.load import load_system, named, raise_if, shown, structured, system_data
from understudy.config.source import Key, Source
from understudy.config.variant import merge, variant
from understudy.demo.stage import golden_variant
from understudy.errors import ConfigError
from understudy.injection.campaign_check import check_campaign
from understudy.injection.campaign_model import CampaignFile, CampaignInfo, FaultSpec, Limit, Phase, Stratum

WITHOUT_RECOVERY = "-without-recovery"
"""What the name of a campaign ends with that runs on the system without fault tolerance."""
_MS = 1_000_000
_OF_RECOVERY = (Phase.CHECKPOINT, Phase.RECOVERY)
_CHECKPOINT = "checkpoint"  # in `where.section`


@define(frozen=True, slots=False)
class Campaign:
    """A checked campaign file. Times are virtual nanoseconds since reset."""

    source: Source
    data: CampaignFile
    recovery: bool = True

    @property
    def info(self) -> CampaignInfo:
        """The table `[campaign]`."""
        return self.data.campaign

    @property
    def name(self) -> str:
        """Name of the campaign, and of the folder of its results."""
        return self.info.name + ("" if self.recovery else WITHOUT_RECOVERY)

    @property
    def text(self) -> str:
        """The file as it was read."""
        return self.source.text

    @property
    def hash(self) -> str:
        """A number of what the file says and of what is run; comments and layout don't count."""
        said = self.source.data if self.recovery else {"without recovery": self.source.data}
        canonical = json.dumps(said, sort_keys=True, default=str)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @property
    def strata(self) -> list[Stratum]:
        """The fault spaces that are run."""
        return [self.data.stratum[number] for number in self._numbers]

    @property
    def left_out(self) -> list[str]:
        """Names of the strata that are about nothing but recovery, of a campaign without it."""
        return [stratum.name for number, stratum in enumerate(self.data.stratum) if number not in self._numbers]

    @cached_property
    def _numbers(self) -> list[int]:
        """Where in the file the strata are that are run."""
        every = enumerate(self.data.stratum)
        return [number for number, stratum in every if self.recovery or not _only_recovery(stratum)]

    @property
    def prelude(self) -> list[FaultSpec]:
        """Faults that the golden run has, too."""
        return self.data.prelude

    @property
    def limits(self) -> dict[str, Limit]:
        """Limits by outcomes, see `limit_outcomes`."""
        return self.data.limits

    @property
    def start_ns(self) -> int:
        """When faults begin."""
        return self.info.start_ms * _MS

    @property
    def window_ns(self) -> int:
        """For how long faults begin."""
        return self.info.window_ms * _MS

    @property
    def end_ns(self) -> int:
        """When experiments end."""
        return self.start_ns + self.window_ns + self.info.watch_ms * _MS

    @property
    def syncs_ns(self) -> tuple[int, ...]:
        """When the state is compared with that of the golden run; the last is the end."""
        times = range(self.start_ns + self.info.sync_ms * _MS, self.end_ns, self.info.sync_ms * _MS)
        return (*times, self.end_ns)

    @cached_property
    def system(self) -> dict[str, Any]:
        """Data of the system under test, as `understudy.image.build` takes it."""
        return _system(self.data, recovery=self.recovery)

    def problem(self, key: Key, reason: str) -> ConfigError:
        """Return an error that names file, line and key; a stratum is known by its place in `strata`."""
        if key[:1] == ("stratum",) and len(key) > 1 and isinstance(key[1], int):
            key = ("stratum", self._numbers[key[1]], *key[2:])
        return ConfigError([self.source.problem(key, reason)])


def load_campaign(campaign: str | Path, *, recovery: bool = True) -> Campaign:
    """Read a campaign.

    Args:
        campaign: a name in qemu-configs/campaigns, or the path of a TOML file.
        recovery: whether the system has its fault tolerance.

    Raises:
        ConfigError: no such file, or problems in it; each line names file, line, key and reason.
    """
    if isinstance(campaign, Path) or campaign.endswith(".toml"):
        path = Path(campaign)
    else:
        path = named(paths.campaigns_folder(), campaign, "campaign")
    return _checked(Source.read(path, shown(path)), recovery=recovery)


def parse_campaign(text: str, origin: str = "<text>", *, recovery: bool = True) -> Campaign:
    """Read a campaign from TOML text, such as that of a store; see `load_campaign`."""
    return _checked(Source.parse(text, origin), recovery=recovery)


def _checked(source: Source, *, recovery: bool) -> Campaign:
    data = structured(source, CampaignFile)
    try:
        system = load_system(_system(data, recovery=recovery))[0]
    except ConfigError as error:
        where: Key = ("changes", next(iter(data.changes))) if data.changes else ("campaign", "system")
        raise ConfigError([source.problem(where, problem) for problem in error.problems]) from None
    raise_if(source, check_campaign(data, system))
    return Campaign(source, data, recovery)


def _only_recovery(stratum: Stratum) -> bool:
    """Whether all that a stratum aims at is not there, or never happens, without fault tolerance."""
    phases, sections = set(stratum.when.phase), set(stratum.where.section)
    return bool((phases and phases.issubset(_OF_RECOVERY)) or sections == {_CHECKPOINT})


def _system(data: CampaignFile, *, recovery: bool) -> dict[str, Any]:
    base = golden_variant(data.campaign.system) if data.campaign.healthy else system_data(data.campaign.system)
    started = {
        name: {"autostart": data.campaign.autostart or vm.get("autostart", False)} for name, vm in base["vm"].items()
    }
    changes = merge({"vm": started}, data.changes)
    return variant(base, changes if recovery else merge(changes, {"system": {"fault_tolerance": False}}))
