# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a campaign file, as far as it can be told before the image is built."""

import difflib
from collections.abc import Iterable, Iterator, Sequence

from understudy.config.model import System
from understudy.config.source import Key
from understudy.injection import registers
from understudy.injection.campaign_model import (
    KERNEL_OR_SHARED,
    VM_SECTIONS,
    VMM,
    VMM_SECTIONS,
    Also,
    CampaignFile,
    CampaignInfo,
    FaultSpec,
    Kind,
    Lasts,
    Limit,
    Model,
    Phase,
    Sampling,
    Split,
    Stratum,
    What,
    When,
    Where,
)
from understudy.injection.experiment import Outcome

Problem = tuple[Key, str]
Problems = Iterator[Problem]

_VALUES = frozenset({Model.FLIP, Model.BURST, Model.STUCK_AT_0, Model.STUCK_AT_1, Model.SET, Model.RANDOM, Model.ADD})
_MODELS = {
    Kind.REGISTER: _VALUES,
    Kind.MEMORY: _VALUES,
    Kind.DEVICE: _VALUES,
    Kind.CODE: frozenset({Model.FLIP, Model.BURST, Model.SKIP, Model.REPLACE}),
    Kind.INTERRUPT: frozenset({Model.LOST, Model.SPURIOUS, Model.STORM}),
    Kind.TIMER: frozenset({Model.LATE, Model.EARLY, Model.STUCK}),
}
_PLACES = {
    Kind.REGISTER: ("registers",),
    Kind.MEMORY: ("of", "task", "section", "symbol", "address", "size"),
    Kind.CODE: (),
    Kind.INTERRUPT: ("line",),
    Kind.TIMER: ("line",),
    Kind.DEVICE: ("device",),
}
_HINTS = {Kind.CODE: "; say which code with `when.function`, `when.task`, `when.phase` or `when.pc`"}
_SELECTORS = ("instruction", "pc", "access", "time_us")
_WHAT_FOR = {
    "bits": (Model.FLIP, Model.BURST, Model.STUCK_AT_0, Model.STUCK_AT_1),
    "adjacent": (Model.FLIP, Model.STUCK_AT_0, Model.STUCK_AT_1),
    "among": (Model.FLIP, Model.STUCK_AT_0, Model.STUCK_AT_1),
    "value": (Model.SET, Model.ADD, Model.REPLACE),
    "by_us": (Model.LATE, Model.EARLY),
    "every_instructions": (Model.STORM,),
}
_ONCE = (Model.FLIP, Model.BURST, Model.ADD, Model.RANDOM, Model.SKIP, Model.SPURIOUS, Model.LATE, Model.EARLY)


def check_campaign(data: CampaignFile, system: System) -> list[Problem]:
    """Return everything that is wrong, each as key and reason."""
    return list(_campaign(data, system))


def limit_outcomes(key: str) -> tuple[Outcome, ...]:
    """Return the outcomes that a key of `[limits]` names: "masked+recovered", "silent_data_corruption".

    Raises:
        ValueError: there is no such outcome; the message proposes one.
    """
    known = {outcome.value.lower().replace(" ", "_"): outcome for outcome in Outcome}
    found = []
    for name in key.split("+"):
        if name not in known:
            raise ValueError(f"no outcome {name!r}; {_hint(name, known)}")
        found.append(known[name])
    return tuple(found)


def _hint(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names) or 'none'}"


def _campaign(data: CampaignFile, system: System) -> Problems:
    yield from _info(data.campaign)
    if not data.stratum:
        yield ("stratum",), "there is none: add at least one [[stratum]] with a `name` and a `where`"
    names = [stratum.name for stratum in data.stratum]
    for number, stratum in enumerate(data.stratum):
        key: Key = ("stratum", number)
        if names.index(stratum.name) < number:
            yield (*key, "name"), f"{stratum.name!r} is the name of an earlier stratum, too: give it another one"
        yield from _stratum(key, stratum, system)
    for number, prelude in enumerate(data.prelude):
        yield from _fault(("prelude", number), prelude, system)
    for name, limit in data.limits.items():
        yield from _limit(("limits", name), name, limit)


def _info(info: CampaignInfo) -> Problems:
    for name in ("start_ms", "window_ms", "watch_ms", "sync_ms", "samples"):
        if getattr(info, name) < 1:
            yield ("campaign", name), f"is {getattr(info, name)}: must be at least 1"
    if not info.name or not all(letter.isalnum() or letter in "-_." for letter in info.name):
        yield ("campaign", "name"), "must be made of letters, digits, '-', '_' and '.': it names a folder"


def _limit(key: Key, name: str, limit: Limit) -> Problems:
    try:
        limit_outcomes(name)
    except ValueError as error:
        yield key, str(error)
    if limit.upper is None and limit.lower is None and limit.count is None:
        yield key, "limits nothing: give `upper`, `lower` or `count`"
    for bound in ("upper", "lower", "confidence"):
        value = getattr(limit, bound)
        if value is not None and not 0 <= value <= 1:
            yield (*key, bound), f"is {value}: it is a share, 0 to 1"


def _stratum(key: Key, stratum: Stratum, system: System) -> Problems:
    if stratum.samples is not None and stratum.samples < 1:
        yield (*key, "samples"), f"is {stratum.samples}: must be at least 1"
    yield from _fault(key, stratum, system)
    if stratum.sampling is not Sampling.UNIFORM:
        yield from _prunable(key, stratum)
    kind = stratum.where.target
    if (stratum.split is Split.SECTION and kind is not Kind.MEMORY) or (
        stratum.split is Split.REGISTER and kind is not Kind.REGISTER
    ):
        yield (*key, "split"), f"a {kind} has no {stratum.split}: split by vm, task or phase"
    for number, also in enumerate(stratum.also):
        yield from _also((*key, "also", number), also, system)


def _prunable(key: Key, stratum: Stratum) -> Problems:
    """Def/use classes need one flipped bit, once, at a place whose uses the trace shows."""
    where, what = stratum.where, stratum.what
    pruned: Sequence[str] = (*registers.GROUPS["general"],)
    try:
        named = registers.expand(where.registers or ("general",))
    except ValueError:
        return
    fits = where.target is Kind.MEMORY or (where.target is Kind.REGISTER and set(named) <= set(pruned))
    if not fits:
        reason = "the uses of these places are not in the trace"
    elif what != What(among=what.among) or stratum.lasts != Lasts() or stratum.also:
        reason = "classes exist for single flipped bits that are applied once"
    else:
        return
    yield (*key, "sampling"), f"{reason}: {stratum.sampling} is for memory and r0 to lr; use uniform"


def _fault(key: Key, fault: FaultSpec, system: System) -> Problems:
    yield from _where((*key, "where"), fault.where, system)
    yield from _what((*key, "what"), fault.where, fault.what)
    yield from _when((*key, "when"), fault.when, system)
    yield from _lasts((*key, "lasts"), fault.where.target, fault.what, fault.lasts)


def _also(key: Key, also: Also, system: System) -> Problems:
    yield from _where((*key, "where"), also.where, system)
    yield from _what((*key, "what"), also.where, also.what)
    yield from _lasts((*key, "lasts"), also.where.target, also.what, also.lasts)
    if also.when is not None:
        yield from _when((*key, "when"), also.when, system)
        if also.after_us is not None:
            yield (*key, "after_us"), "contradicts `when`: leave one of them out"
    if also.after_us is not None and also.after_us < 0:
        yield (*key, "after_us"), f"is {also.after_us}: must not be negative"


def _where(key: Key, where: Where, system: System) -> Problems:
    allowed = _PLACES[where.target]
    for name in ("registers", "of", "task", "section", "symbol", "address", "size", "line", "device"):
        if getattr(where, name) not in (None, ()) and name not in allowed:
            usual = f"it takes {', '.join(allowed)}" if allowed else "it takes no place"
            yield (*key, name), f"means nothing for target {where.target}: {usual}{_HINTS.get(where.target, '')}"
    try:
        registers.expand(where.registers)
    except ValueError as error:
        yield (*key, "registers"), str(error)
    if where.target is Kind.MEMORY:
        yield from _memory(key, where, system)
    if where.target is Kind.DEVICE and not where.device:
        yield key, 'says no device: give `device`, such as ["gic.ICDDCR", "sp804"]'


def _memory(key: Key, where: Where, system: System) -> Problems:
    ways = [name for name in ("of", "symbol", "address") if getattr(where, name) not in (None, ())]
    if len(ways) != 1:
        told = f"{' and '.join(ways)} contradict each other" if ways else "says no memory"
        yield key, f"{told}: give one of `of`, `symbol` and `address`"
    if where.size is not None and where.address is None:
        yield (*key, "size"), "needs an `address`"
    for name in where.of:
        if name != VMM and name not in system.vm:
            yield (*key, "of"), f"no VM {name!r}; {_hint(name, [*system.vm, VMM])}"
    sections = [*(VMM_SECTIONS if VMM in where.of else ()), *(VM_SECTIONS if set(where.of) - {VMM} else ())]
    for name in where.section:
        if name not in sections:
            yield (*key, "section"), f"no section {name!r} of {', '.join(where.of) or 'what'}; {_hint(name, sections)}"
    for name in where.task:
        known = [*KERNEL_OR_SHARED, *_tasks(system, where.of)]
        if name not in known:
            yield (*key, "task"), f"no task {name!r} of {', '.join(where.of) or 'what'}; {_hint(name, known)}"


def _tasks(system: System, vms: Iterable[str]) -> list[str]:
    guests = [system.guest[system.vm[name].guest] for name in vms if name in system.vm]
    return [task.name for guest in guests for task in guest.tasks]


def _what(key: Key, where: Where, what: What) -> Problems:
    models = _MODELS[where.target]
    if what.model not in models:
        names = ", ".join(sorted(models))
        yield (*key, "model"), f"{what.model} is none for target {where.target}: give one of {names}"
        return
    default = What(model=what.model)
    for name, users in _WHAT_FOR.items():
        if getattr(what, name) != getattr(default, name) and what.model not in users:
            yield (*key, name), f"means nothing for model {what.model}: it is for {', '.join(users)}"
    yield from _bits(key, where, what)
    if what.model in (Model.SET, Model.ADD) and what.value is None:
        yield key, f"model {what.model} needs a `value`"
    if what.model in (Model.LATE, Model.EARLY) and (what.by_us is None or what.by_us < 1):
        yield key, f"model {what.model} needs `by_us`, the number of microseconds, at least 1"
    if what.model is Model.STORM and (what.every_instructions is None or what.every_instructions < 1):
        yield key, "model storm needs `every_instructions`, at least 1"


def _bits(key: Key, where: Where, what: What) -> Problems:
    highest = 32
    if where.target is Kind.REGISTER:
        try:
            highest = min((registers.width(name) for name in registers.expand(where.registers)), default=32)
        except ValueError:
            return
    if what.value is not None and not 0 <= what.value < 1 << highest:
        yield (*key, "value"), f"is {what.value:#x}: it needs more than {highest} bits, or is negative"
    for bit in what.among:
        if not 0 <= bit < highest:
            yield (*key, "among"), f"bit {bit} is out of range: the places have bits 0 to {highest - 1}"
    if not 1 <= what.bits <= (len(set(what.among)) or highest):
        among = "those of `among`" if what.among else f"{highest}"
        yield (*key, "bits"), f"is {what.bits}: must be 1 to the number of bits there are ({among})"
    if what.adjacent and what.among and what.bits > 1:
        yield (*key, "adjacent"), "contradicts `among`: leave one of them out"


def _when(key: Key, when: When, system: System) -> Problems:
    given = [name for name in _SELECTORS if getattr(when, name) is not None]
    if len(given) > 1:
        yield key, f"{' and '.join(given)} contradict each other: each of them says when alone"
    if when.hit is not None and not {"pc", "access"} & set(given):
        yield (*key, "hit"), "needs `pc` or `access`: it counts the hits of one of them"
    if when.hit is not None and when.hit < 1:
        yield (*key, "hit"), f"is {when.hit}: hits are counted from 1"
    yield from _who(key, when, system)
    for name in ("instruction", "time_us", "from_us", "until_us"):
        if (getattr(when, name) or 0) < 0:
            yield (*key, name), f"is {getattr(when, name)}: it is counted from the start of the window"
    if when.from_us is not None and when.until_us is not None and when.from_us >= when.until_us:
        yield (*key, "until_us"), f"is {when.until_us:g}: must be later than from_us, which is {when.from_us:g}"


def _who(key: Key, when: When, system: System) -> Problems:
    for phase in when.phase:
        if phase not in list(Phase):
            yield (*key, "phase"), f"no phase {phase!r}; {_hint(phase, map(str, Phase))}"
    for vm in when.vm:
        if vm not in system.vm:
            yield (*key, "vm"), f"no VM {vm!r}; {_hint(vm, system.vm)}"
    tasks = _tasks(system, when.vm or system.vm)
    for task in when.task:
        if task not in tasks:
            yield (*key, "task"), f"no task {task!r} in {', '.join(when.vm) or 'any VM'}; {_hint(task, tasks)}"


def _lasts(key: Key, kind: Kind, what: What, lasts: Lasts) -> Problems:
    spans = [n for n, v in (("instructions", lasts.instructions), ("us", lasts.us)) if v is not None]
    spans += ["permanent"] if lasts.permanent else []
    if len(spans) > 1:
        yield key, f"{' and '.join(spans)} contradict each other: give one of them"
    if spans and what.model in _ONCE and kind is not Kind.CODE:
        yield (
            (*key, spans[0]),
            (
                f"a {what.model} happens once: for a fault that stays use stuck-at-0, stuck-at-1 or set; "
                "for one that comes again, mtbf_us"
            ),
        )
    if what.model is Model.STORM and not spans:
        yield key, "a storm needs `instructions` or `us`: how long it blows"
    if lasts.permanent and lasts.mtbf_us is not None:
        yield (*key, "mtbf_us"), "contradicts `permanent`: a fault that is always there does not come again"
    for name in ("instructions", "us", "mtbf_us", "every_instructions"):
        value = getattr(lasts, name)
        if value is not None and value <= 0:
            yield (*key, name), f"is {value}: must be more than 0"
