# SPDX-License-Identifier: Apache-2.0
"""Campaign files: what is read, and what is said of those that are wrong."""

from pathlib import Path

import pytest
from understudy import paths
from understudy.config.load import names
from understudy.errors import ConfigError
from understudy.injection.campaign_check import limit_outcomes
from understudy.injection.campaign_file import load_campaign, parse_campaign
from understudy.injection.campaign_model import Kind, Model, Sampling
from understudy.injection.experiment import Outcome

HEAD = '[campaign]\nname = "a"\ndescription = "b"\n'
STRATUM = '[[stratum]]\nname = "s"\n'
READY = ("registers", "memory", "code", "page-tables", "recovery-under-fire", "vmm", "interrupts")


def wrong(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_campaign(HEAD + text, "bad.toml")
    return list(caught.value.problems)


def test_ready_campaigns() -> None:
    assert set(names(paths.campaigns_folder())) == set(READY)
    campaigns = [load_campaign(name) for name in READY]
    assert [campaign.name for campaign in campaigns] == list(READY)
    assert sum(campaign.info.samples for campaign in campaigns) >= 20_000
    for campaign in campaigns:
        assert sum(stratum.samples or 0 for stratum in campaign.strata) == campaign.info.samples, campaign.name
        assert all(vm["autostart"] for vm in campaign.system["vm"].values())


def test_defaults() -> None:
    campaign = parse_campaign(HEAD + STRATUM + 'where = { target = "register" }\n')
    stratum = campaign.strata[0]
    assert (stratum.where.target, stratum.what.model, stratum.sampling) == (Kind.REGISTER, Model.FLIP, Sampling.UNIFORM)
    assert campaign.syncs_ns[0] == campaign.start_ns + campaign.info.sync_ms * 1_000_000
    assert (
        campaign.syncs_ns[-1]
        == campaign.end_ns
        == campaign.start_ns + campaign.window_ns + campaign.info.watch_ms * 1_000_000
    )


def test_hash_is_of_the_content() -> None:
    text = HEAD + STRATUM + 'where = { target = "register" }\n'
    assert parse_campaign(text).hash == parse_campaign("# a comment\n" + text).hash
    assert parse_campaign(text).hash != parse_campaign(text.replace('"s"', '"t"')).hash


def test_system_is_the_healthy_one_with_changes() -> None:
    text = STRATUM + 'where = { target = "register" }\n'
    one = parse_campaign(HEAD + text).system
    assert one["guest"]["tick_breaker"]["templates"]["apps/faulty/faulty.c.j2"]["times"] == 0
    other = parse_campaign(HEAD + "[changes.system]\nfault_tolerance = false\n" + text).system
    assert other["system"]["fault_tolerance"] is False
    assert one["system"]["name"] != other["system"]["name"] != "demo-golden"


def test_system_with_a_problem() -> None:
    (problem,) = wrong("[changes.system]\ntick_us = 0\n" + STRATUM + 'where = { target = "register" }\n')
    assert problem.startswith("bad.toml:4: changes.system: ")


def test_unknown_system() -> None:
    (problem,) = wrong('system = "dmo"\n' + STRATUM + 'where = { target = "register" }\n')
    assert problem.startswith("bad.toml:4: campaign.system: ")
    assert "did you mean 'demo'" in problem


def test_missing_file() -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: No such file"):
        load_campaign(Path("nowhere.toml"))
    with pytest.raises(ConfigError, match="no campaign named 'register'; did you mean 'registers'"):
        load_campaign("register")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('where = { target = "regster" }', "where.target: must be one of register, memory"),
        (
            'where = { target = "register", registers = "r16" }',
            "where.registers: no register 'r16'; did you mean 'r6'?",
        ),
        ('where = { target = "register", registers = "sq_svc" }', "did you mean 'sp_svc'?"),
        ('where = { target = "register", of = "vmm" }', "where.of: means nothing for target register"),
        ('where = { target = "code", symbol = "a" }', "say which code with `when.function`"),
        ('where = { target = "memory" }', "where: says no memory: give one of"),
        ('where = { target = "memory", of = "vmm", symbol = "a" }', "of and symbol contradict each other"),
        ('where = { target = "memory", of = "gust1" }', "where.of: no VM 'gust1'; did you mean 'guest1'?"),
        ('where = { target = "memory", of = "guest1", section = "bss" }', "no section 'bss' of guest1"),
        ('where = { target = "memory", of = "guest1", task = "produce" }', "did you mean 'producer'?"),
        ('where = { target = "memory", symbol = "a", size = 4 }', "where.size: needs an `address`"),
        ('where = { target = "device" }', "where: says no device"),
        ('where = { target = "interrupt" }\nwhat = { model = "flip" }', "flip is none for target interrupt"),
        ('where = { target = "register" }\nwhat = { bits = 33 }', "what.bits: is 33: must be 1 to"),
        ('where = { target = "register" }\nwhat = { among = [32] }', "bit 32 is out of range"),
        ('where = { target = "register" }\nwhat = { among = [3], bits = 2 }', "(those of `among`)"),
        (
            'where = { target = "register" }\nwhat = { among = [1, 2], bits = 2, adjacent = true }',
            "contradicts `among`",
        ),
        ('where = { target = "register" }\nwhat = { value = 3 }', "what.value: means nothing for model flip"),
        ('where = { target = "register" }\nwhat = { model = "set" }', "model set needs a `value`"),
        ('where = { target = "register" }\nwhat = { model = "set", value = 0x100000000 }', "needs more than 32 bits"),
        ('where = { target = "timer" }\nwhat = { model = "late" }', "needs `by_us`"),
        ('where = { target = "interrupt" }\nwhat = { model = "storm" }', "needs `every_instructions`"),
        ('where = { target = "register" }\nwhen = { pc = "a", time_us = 3 }', "pc and time_us contradict each other"),
        ('where = { target = "register" }\nwhen = { hit = 3 }', "when.hit: needs `pc` or `access`"),
        ('where = { target = "register" }\nwhen = { pc = "a", hit = 0 }', "hits are counted from 1"),
        ('where = { target = "register" }\nwhen = { phase = "tsk" }', "no phase 'tsk'; did you mean 'task'?"),
        ('where = { target = "register" }\nwhen = { vm = "guest9" }', "no VM 'guest9'"),
        ('where = { target = "register" }\nwhen = { task = "worker", vm = "guest1" }', "no task 'worker' in guest1"),
        ('where = { target = "register" }\nwhen = { from_us = 5, until_us = 5 }', "must be later than from_us"),
        ('where = { target = "register" }\nwhen = { instruction = -1 }', "counted from the start of the window"),
        ('where = { target = "register" }\nlasts = { us = 5 }', "lasts.us: a flip happens once"),
        (
            'where = { target = "register" }\nwhat = { model = "stuck-at-1" }\nlasts = { us = 5, permanent = true }',
            "us and permanent contradict each other",
        ),
        ('where = { target = "register" }\nlasts = { mtbf_us = 0 }', "lasts.mtbf_us: is 0.0: must be more than 0"),
        ('where = { target = "register" }\nsamples = 0', "samples: is 0"),
        ('where = { target = "register" }\nsplit = "section"', "a register has no section"),
        ('where = { target = "register", registers = "pc" }\nsampling = "complete"', "the uses of these places"),
        ('where = { target = "register" }\nwhat = { bits = 2 }\nsampling = "pruned"', "single flipped bits"),
        ('where = { target = "register" }\nsplt = "vm"', "unknown key; did you mean 'split'?"),
        (
            'where = { target = "register" }\nalso = [{ where = { target = "register" }, when = {}, after_us = 3 }]',
            "also[0].after_us: contradicts `when`",
        ),
    ],
)
def test_problems_have_file_line_key_and_remedy(text: str, said: str) -> None:
    problems = wrong(STRATUM + text + "\n")
    assert any(said in problem for problem in problems), problems
    assert all(problem.startswith("bad.toml:") for problem in problems)


def test_all_problems_at_once() -> None:
    text = STRATUM + 'where = { target = "register", registers = "rx" }\nwhen = { phase = "x", vm = "y" }\n'
    assert len(wrong(text + text + "[limits]\nmaskd = { count = 1 }\n")) == 8


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("propagatd = { count = 0 }", "no outcome 'propagatd'; did you mean 'propagated'?"),
        ("masked = {}", "limits nothing"),
        ("masked = { lower = 2 }", "limits.masked.lower: is 2.0: it is a share"),
    ],
)
def test_limits(text: str, said: str) -> None:
    (problem,) = wrong(STRATUM + 'where = { target = "register" }\n[limits]\n' + text)
    assert said in problem


def test_limit_of_several_outcomes() -> None:
    assert limit_outcomes("masked+silent_data_corruption+vmm_fault") == (
        Outcome.MASKED,
        Outcome.SDC,
        Outcome.VMM_FAULT,
    )


RECOVERY = """
[[stratum]]
name = "while it recovers"
where = { target = "register" }
when = { phase = ["recovery", "checkpoint"] }

[[stratum]]
name = "stored"
where = { target = "memory", of = "guest1", section = "checkpoint" }

[[stratum]]
name = "elsewhere"
where = { target = "register" }
when = { phase = ["recovery", "vmm"] }
"""


def test_without_recovery() -> None:
    """The same file under another name, on a system without fault tolerance; what needs that is left out."""
    on, off = (parse_campaign(HEAD + RECOVERY, "a.toml", recovery=recovery) for recovery in (True, False))
    assert (on.name, off.name) == ("a", "a-without-recovery")
    assert (on.system["system"].get("fault_tolerance"), off.system["system"]["fault_tolerance"]) == (True, False)
    assert on.hash != off.hash
    assert on.left_out == []
    assert ([one.name for one in off.strata], off.left_out) == (["elsewhere"], ["while it recovers", "stored"])
    (problem,) = off.problem(("stratum", 0, "where"), "is wrong").problems
    assert problem.startswith("a.toml:16: stratum[2].where: ")


def test_ready_campaigns_without_recovery() -> None:
    for name in READY:
        campaign = load_campaign(name, recovery=False)
        assert bool(campaign.strata) == (name != "recovery-under-fire")
