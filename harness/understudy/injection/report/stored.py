# SPDX-License-Identifier: Apache-2.0
"""A campaign's data for the report, out of its store."""

from collections.abc import Mapping
from pathlib import Path

from understudy.image import Image
from understudy.injection.report.data import CampaignData
from understudy.injection.summary import Found


def stored(found: Found, elves: Mapping[str, Path]) -> CampaignData:
    """Return what the report needs of a store; `elves` is empty where the image is gone: no code is shown then."""
    meta = found.store.meta
    return CampaignData(
        name=meta.name,
        seed=meta.seed,
        build_id=meta.build_id,
        engine=found.engines,
        workers=found.workers,
        seconds=found.seconds,
        experiments=list(found.store.experiments()),
        results={result.number: result for result in found.store.results()},
        golden=meta.golden,
        elves=elves,
        store=str(found.store.path),
        versions=meta.versions,
        strata=meta.strata,
    )


def elves(image: Image) -> dict[str, Path]:
    """Return the programs of an image: the VMM as "vmm", and each VM's under its name."""
    vms = {str(name): str(vm["guest"]) for name, vm in image.manifest["vms"].items()}
    guests = {name: image.folder / "guests" / f"{guest}.elf" for name, guest in vms.items()}
    return {"vmm": image.elf, **{name: elf for name, elf in guests.items() if elf.exists()}}
