from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from dagcontent.testing.vendors.client import FakeVendors

from .test_json import valid

Run = Callable[..., Result]
Same = Callable[[str, str], None]

PAID = """\
[graph]
name = "paid"

[node.still]
kind = "image.generate"
model = "fal/fal-ai/flux/dev"
prompt = "A hill at dusk"
size = "512x512"

[node.cover]
kind = "image.generate"
model = "openai/gpt-image-2"
prompt = "A lantern"
size = "1024x1024"

[node.sheet]
kind = "image.grid"
images = ["${still}"]
output = "sheet"

[node.front]
kind = "image.caption"
image = "${cover}"
text = "Lantern"
output = "front"
"""
CLIP = """
[node.clip]
kind = "video.generate"
model = "fal/fal-ai/kling-video/v3/pro/image-to-video"
prompt = "The sun goes down"
start_image = "${still}"
duration = 5.2
"""
PATIENT = {"send_s": 2.0, "answer_s": 20.0, "inflight_s": 0.01}  # a machine with much to do is no broken connection
LOST = [{"fault": "drop", "vendor": "openai"}]


@pytest.fixture(scope="module")
def program() -> Iterator[FakeVendors]:
    """One program of fake vendors for this file."""
    with FakeVendors() as vendors:
        yield vendors


@pytest.fixture
def vendors(program: FakeVendors, here: Path, monkeypatch: pytest.MonkeyPatch) -> FakeVendors:
    """A graph that costs money, configured for fake vendors that have forgotten everything."""
    program.reset()
    (here / "paid.toml").write_text(PAID, encoding="utf-8")
    (here / "config.toml").write_text(program.config_toml(PATIENT), encoding="utf-8")
    monkeypatch.setenv("DAGCONTENT_CONFIG", str(here / "config.toml"))
    for name, value in program.environment.items():
        monkeypatch.setenv(name, value)
    return program


def summary(text: str) -> str:
    """Return what is said after the lines of progress, whose order differs."""
    return "\n".join(
        line for line in text.splitlines() if not re.match(r"  (made|failed|unresolved|at work|waits) +\S+ .* \d+\.\d s|paid: building", line)
    )  # fmt: skip


def plainly(text: str) -> str:
    """Put what differs from run to run into words, as wide as it was."""
    text = re.sub(r"\b01[0-9a-hjkmnp-tv-z]{24}\b", "ATTEMPT...................", text)
    text = re.sub(r"\b01[0-9a-hjkmnp-tv-z]{11}\b", "ATTEMPT......", text)
    text = re.sub(r"sent \d\d:\d\d:\d\d", "sent HH:MM:SS", text)
    return re.sub(r"request_id  \S+", "request_id  ID", text)


def jobs(run: Run, *args: str) -> list[dict[str, Any]]:
    """Return the journal's open attempts."""
    found: list[dict[str, Any]] = json.loads(run("jobs", "list", "--json", *args).stdout)["jobs"]
    return found


@pytest.mark.parametrize("columns", ["80", "120"])
def test_paid_screens(
    run: Run, vendors: FakeVendors, here: Path, same: Same, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What people see of money, word for word: prices, a lost answer and its ways out, a charge for nothing, an empty purse."""
    monkeypatch.setenv("COLUMNS", columns)
    screens: dict[str, str] = {}
    widest = 0

    def see(name: str, *args: str, **env: str) -> Result:
        nonlocal widest
        found = run(*args, **env)
        if args[0] != "show":  # a path is there to be copied, never cut
            widest = max(widest, *map(len, summary(found.stdout).splitlines() or [""]))
        screens[name] = found.stderr + summary(found.stdout) + f"\n[{found.exit_code}]\n"
        return found

    see("plan, cold", "plan", "paid.toml")
    see("plan, without a key", "plan", "paid.toml", FAKE_FAL_KEY="")
    see("build, nobody agreed", "build", "paid.toml")
    see("build, too little money", "build", "paid.toml", "--budget", "0.05")
    vendors.set_faults(LOST)
    see("build, an answer is lost", "build", "paid.toml", "--budget", "1")
    see("plan, unresolved", "plan", "paid.toml")
    see("jobs list", "jobs", "list")
    attempt = jobs(run)[0]["attempt"]
    see("jobs retry, asks", "jobs", "retry", attempt)
    see("jobs adopt, in vain", "jobs", "adopt", attempt, "x")
    see("jobs recover", "jobs", "recover")
    see("jobs abandon", "jobs", "abandon", attempt)
    see("build, abandoned", "build", "paid.toml", "--budget", "1")
    see("jobs retry", "jobs", "retry", attempt, "--yes")
    vendors.set_faults([])
    see("build, done", "build", "paid.toml", "--budget", "1", "-v", "-j1")
    screens["build, done"] = re.sub(r"(?m)^  started .*\n|^ {13}\S.*\n", "", screens["build, done"])
    see("show", "show", "paid.toml", "still")
    screens["show"] = re.sub(r"(?m)^  (file|key|with).*\n", "", screens["show"])
    see("jobs list --all", "jobs", "list", "--all")
    (here / "paid.toml").write_text(PAID.replace("dusk", "dawn") + CLIP, encoding="utf-8")
    vendors.set_faults([{"fault": "moderation", "vendor": "fal", "operation": "submit"}])
    see("plan, snapped", "plan", "paid.toml")
    see("build, charged for nothing", "build", "paid.toml", "--budget", "2")
    see("build, charged before", "build", "paid.toml", "--budget", "2")
    assert widest <= int(columns)
    text = "\n".join(f"== {name}\n{plainly(text)}" for name, text in screens.items())
    same(f"paid_{columns}.txt", text)
    assert vendors.errors() == []


def test_documents_of_paid_work(run: Run, vendors: FakeVendors) -> None:
    """Programs read of a plan what each node may cost, and of a build which attempt stands in its way."""
    plan = valid("plan", json.loads(run("plan", "paid.toml", "--json").stdout))
    rows = {row["node"]: row for row in plan["nodes"]}
    assert (rows["still"]["recovery"], rows["cover"]["recovery"]) == ("by-match", "ask")
    assert rows["still"]["cost_usd"] == {"low": "0.025", "expected": "0.025", "high": "0.032"}
    assert rows["sheet"]["cost_usd"] == {"low": "0", "expected": "0", "high": "0"}
    assert "recovery" not in rows["sheet"]
    assert rows["still"]["price"]["date"] < "2027"
    assert plan["totals"]["cost_usd"]["high"] == "0.29218"
    vendors.set_faults(LOST)
    found = run("build", "paid.toml", "--json", "--budget", "1")
    assert found.exit_code == 4
    built = valid("build", json.loads(found.stdout))
    assert (built["status"], built["counts"]["unresolved"], built["counts"]["ran"]) == ("unresolved", 1, 2)
    assert built["cost_usd"] == {"spent": "0.025", "reserved": "0.26018", "saved": "0"}
    node = next(node for node in built["nodes"] if node["node"] == "cover")
    (job,) = jobs(run)
    assert node["attempt"] == job["attempt"]
    assert (job["state"], job["bound_usd"], job["cost_usd"], job["recovery"]) == ("unresolved", "0.26018", None, "ask")
    plan = valid("plan", json.loads(run("plan", "paid.toml", "--json").stdout))
    row = next(row for row in plan["nodes"] if row["node"] == "cover")
    assert (row["status"], row["attempt"], row["cost_usd"]["high"]) == ("unresolved", job["attempt"], "0")
    assert plan["totals"]["saved_usd"] == "0.025"


def test_a_plan_needs_no_key_and_says_so(run: Run, vendors: FakeVendors) -> None:
    """What a build would refuse is a warning of the plan, with the command that mends it; exit 0."""
    found = run("plan", "paid.toml", "--json", FAKE_FAL_KEY="", FAKE_OPENAI_KEY="")
    assert found.exit_code == 0
    warnings = json.loads(found.stdout)["warnings"]
    assert [warning.partition(" is not set")[0] for warning in warnings] == [
        "fal needs a key: FAKE_FAL_KEY",
        "openai needs a key: FAKE_OPENAI_KEY",
    ]
    assert "  export FAKE_FAL_KEY=..." in found.stderr
    refused = run("build", "paid.toml", "--budget", "1", FAKE_FAL_KEY="")
    assert (refused.exit_code, vendors.requests()) == (2, [])


def left_open(run: Run, vendors: FakeVendors, here: Path, job_s: float = 60) -> str:
    """Return the attempt of a job that a build left at its vendor, and that takes so long there."""
    (here / "paid.toml").write_text(PAID.replace('"512x512"', '"512x512"\ntimeout = "0.05s"'), encoding="utf-8")
    vendors.set(job_s=job_s)
    found = run("build", "paid.toml", "still", "--budget", "1")
    assert found.exit_code == 4
    assert "at work" in found.stdout
    assert "dagcontent build paid.toml still" in found.stdout
    (job,) = jobs(run)
    assert (job["state"], job["held"]) == ("submitted", False)
    return str(job["attempt"])


def test_a_job_is_gone_on_with_without_its_graph(run: Run, vendors: FakeVendors, here: Path) -> None:
    """`jobs resume` fetches what was paid for; the build that follows finds it and pays nothing."""
    attempt = left_open(run, vendors, here, job_s=0.3)
    (here / "paid.toml").rename(here / "kept.toml")
    (resumed,) = json.loads(run("jobs", "resume", attempt[:14], "--json").stdout)["jobs"]
    assert (resumed["state"], resumed["error"], resumed["cost_usd"]) == ("committed", None, "0.025")
    (here / "kept.toml").rename(here / "paid.toml")
    built = json.loads(run("build", "paid.toml", "still", "--json").stdout)
    assert (built["counts"]["hit"], len(vendors.charges())) == (1, 1)
    assert run("jobs", "resume").stdout == "no paid request is under way: there is nothing to go on with\n"


def test_what_a_graph_asks_for_no_more_is_fetched_all_the_same(run: Run, vendors: FakeVendors, here: Path) -> None:
    """A result that was paid for before an edit is kept when the next build ends; it is a hit once the edit is undone."""
    attempt = left_open(run, vendors, here, job_s=0.3)  # the next job takes as long, and begins later
    old = (here / "paid.toml").read_text("utf-8")
    (here / "paid.toml").write_text(PAID.replace("dusk", "noon"), encoding="utf-8")
    assert run("build", "paid.toml", "still", "--budget", "1").exit_code == 0
    assert [job["state"] for job in jobs(run, "--all") if job["attempt"] == attempt] == ["committed"]
    (here / "paid.toml").write_text(old, encoding="utf-8")
    assert json.loads(run("build", "paid.toml", "still", "--json").stdout)["counts"]["hit"] == 1
    assert len(vendors.charges()) == 2


def test_what_goes_wrong_with_leftovers_is_a_warning(run: Run, vendors: FakeVendors, here: Path) -> None:
    """Nobody asked for them: the build is as good as without them, and says what it found."""
    attempt = left_open(run, vendors, here)
    vendors.set_faults([{"fault": "expired", "vendor": "fal", "operation": "status"}])
    (here / "paid.toml").write_text(PAID.replace("dusk", "noon"), encoding="utf-8")
    found = run("build", "paid.toml", "cover", "--budget", "1")
    assert found.exit_code == 0
    assert [job["state"] for job in jobs(run, "--all")] == ["expired", "committed"]
    assert f"warning: still as it was before ({attempt})" in found.stderr


def test_a_job_that_a_person_found_is_adopted(run: Run, vendors: FakeVendors, here: Path) -> None:
    """Where a list was no help, the id from the vendor's own pages settles it: asked for first, and never another's."""
    lost = {"fault": "drop", "vendor": "fal", "operation": "submit", "nth": 1}
    vendors.set_faults([lost, {"fault": "expired", "vendor": "fal", "operation": "list"}])
    assert run("build", "paid.toml", "still", "--budget", "1").exit_code == 4
    (job,) = jobs(run)
    assert (job["state"], len(vendors.charges())) == ("unresolved", 1)
    refused = run("jobs", "adopt", job["attempt"], "11111111-2222-3333-4444-555555555555")
    assert (refused.exit_code, jobs(run)[0]["state"]) == (2, "unresolved")
    assert "fal has no job" in refused.stderr
    assert "names no request_id" in run("jobs", "adopt", job["attempt"], "id=7").stderr
    vendors.set_faults([])
    (found,) = json.loads(run("jobs", "recover", "--json").stdout)["jobs"]
    (ids,) = found["candidates"]
    assert f"request_id={ids['request_id']}" in run("jobs", "recover").stdout
    adopted = run("jobs", "adopt", job["attempt"], ids["request_id"])
    assert (adopted.exit_code, jobs(run)[0]["state"]) == (0, "submitted")
    assert run("jobs", "resume").exit_code == 0
    assert json.loads(run("build", "paid.toml", "still", "--json").stdout)["counts"]["hit"] == 1
    assert len(vendors.charges()) == 1


def test_another_address_is_not_asked_for_a_job(run: Run, vendors: FakeVendors, here: Path) -> None:
    """An id is good where it came from: under another configuration nothing is asked, and the attempt stays."""
    left_open(run, vendors, here)
    (here / "config.toml").write_text(vendors.config_toml(PATIENT, realm="elsewhere"), encoding="utf-8")
    before = len(vendors.requests())
    found = run("jobs", "resume")
    assert found.exit_code == 4
    assert "it was sent to fake-vendors, and elsewhere is configured now" in found.stdout
    assert len(vendors.requests()) == before


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["retry"], "is at work at its vendor: there is nothing to retry"),
        (["adopt", "x"], "is at work at its vendor: there is nothing to adopt"),
        (["abandon"], "was accepted and is paid: its result would be lost"),
    ],
)
def test_a_job_at_work_is_not_thrown_away(
    run: Run, vendors: FakeVendors, here: Path, args: list[str], words: str
) -> None:
    """What cannot be done is said with the state it is in and what can; nothing changes."""
    attempt = left_open(run, vendors, here)
    asked = run("jobs", "resume", "--no-wait")
    assert asked.exit_code == 4
    assert "1 left open: the same command asks again" in asked.stdout
    found = run("jobs", args[0], attempt, *args[1:])
    assert (found.exit_code, jobs(run)[0]["state"]) == (2, "submitted")
    assert words in found.stderr


def test_a_job_can_be_given_up_knowingly(run: Run, vendors: FakeVendors, here: Path) -> None:
    """--yes abandons what is paid: it is sent again by `retry` only, and then paid twice."""
    attempt = left_open(run, vendors, here)
    assert run("jobs", "abandon", attempt, "--yes").exit_code == 0
    vendors.set(job_s=0)
    failed = run("build", "paid.toml", "still", "--budget", "1")
    assert (failed.exit_code, len(vendors.charges())) == (1, 1)
    assert run("jobs", "retry", attempt, "--yes").exit_code == 0
    assert run("build", "paid.toml", "still", "--budget", "1").exit_code == 0
    assert len(vendors.charges()) == 2


def test_ids_are_found_by_their_beginning(run: Run, vendors: FakeVendors) -> None:
    """Enough of an id is an id; too little, or none, is said, in words and as a document."""
    vendors.set_faults([{"fault": "drop", "vendor": "openai"}])
    run("build", "paid.toml", "--budget", "1")
    both = [job["attempt"] for job in jobs(run, "--all")]
    shared = both[0][:4]
    assert "2 attempts begin with" in run("jobs", "retry", shared, "--yes").stderr
    found = run("jobs", "retry", "zzz", "--json")
    assert (found.exit_code, json.loads(found.stdout)["error"]["message"]) == (2, "there is no attempt zzz")
    (open_one,) = jobs(run)
    assert run("jobs", "retry", open_one["attempt"][:14].upper(), "--yes").exit_code == 0


def test_without_a_store_there_are_no_jobs(run: Run, here: Path) -> None:
    """Looking makes nothing; commands that need one say that there is none."""
    assert run("jobs", "list").stdout == "no paid request is open\n"
    assert run("jobs", "resume", "--no-wait").exit_code == 0
    assert run("jobs", "abandon", "0123").exit_code == 2
    assert "did you mean `jobs resume`?" in run("jobs", "reusme").stderr


def test_proxies_of_the_environment_are_used(run: Run, vendors: FakeVendors) -> None:
    """Who must go through a proxy does, also for what is paid; who is exempt does not."""
    found = run("build", "paid.toml", "still", "--budget", "1", HTTP_PROXY="http://127.0.0.1:9", NO_PROXY="")
    assert found.exit_code == 1
    assert vendors.charges() == []
    exempt = run("build", "paid.toml", "still", "--budget", "1", HTTP_PROXY="http://127.0.0.1:9", NO_PROXY="127.0.0.1")
    assert exempt.exit_code == 0
    wrong = run("build", "paid.toml", "--budget", "1", HTTP_PROXY="socks5://127.0.0.1:9")
    assert wrong.exit_code == 2


def test_what_is_lost_is_not_paid_again_by_itself(run: Run, vendors: FakeVendors, here: Path) -> None:
    """A plan says `repay` and both ways on: what the vendor still has costs nothing, the rest needs --repay."""
    assert run("build", "paid.toml", "--budget", "1", "-q").exit_code == 0
    for path in (here / "store" / "cas").glob("*/*"):
        path.unlink()
    (here / "paid.toml").write_text(PAID + "# edited\n", encoding="utf-8")
    plan = run("plan", "paid.toml")
    assert "2 repay" in plan.stdout
    assert "dagcontent build paid.toml    # fetches what the vendors still have, for nothing" in plan.stdout
    assert "dagcontent build paid.toml --repay still --repay cover --budget 0.30" in plan.stdout
    built = run("build", "paid.toml")
    assert (built.exit_code, len(vendors.charges())) == (1, 2)
    assert "--repay" in built.stdout
    assert run("build", "paid.toml", "--repay", "cover", "--budget", "1").exit_code == 0
    assert [charge.vendor for charge in vendors.charges()].count("openai") == 2


@pytest.mark.slow
def test_an_interrupt_names_what_it_waits_for(run: Run, vendors: FakeVendors, here: Path) -> None:
    """Ctrl-C: a call that could not be asked for again is awaited and named, a job is left to go on; nothing is paid twice."""
    vendors.set(job_s=60)
    vendors.set_faults([{"fault": "delay", "at": "replying", "vendor": "openai", "seconds": 4}])
    child = subprocess.Popen(
        [sys.executable, "-m", "dagcontent", "build", "paid.toml", "--budget", "1", "--events", "events"],
        cwd=here, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    events = here / "events"
    wanted = ('"node":"cover","stage":"awaits the answer"', '"node":"still","stage":"generating"')
    for _ in range(3000):
        if events.exists() and all(word in events.read_text("utf-8") for word in wanted):
            break
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert (child.returncode, err) == (130, "")
    assert "  stopping: awaits 1 call that would be lost: cover; Ctrl-C again: unresolved\n" in out
    assert "paid: stopped      1 made, kept" in out
    assert "$0.013 spent   $0.032 reserved" in out
    assert "at work     still" in out
    assert [(job["node"], job["state"]) for job in jobs(run)] == [("still", "submitted")]
    assert len(vendors.charges()) == 2


@pytest.mark.parametrize("budget", ["ten", "", "nan", "inf", "-1", "2,50", "1e300", "0.0000001", "9" * 30])
def test_a_budget_is_an_amount_of_money(run: Run, vendors: FakeVendors, budget: str) -> None:
    """A budget that cannot be read, or cannot be meant, is refused before anything is sent."""
    found = run("build", "paid.toml", f"--budget={budget}")
    assert (found.exit_code, vendors.requests()) == (2, [])
    assert f"--budget {budget}" in found.stderr


def test_budgets_that_say_no_budget(run: Run, vendors: FakeVendors, here: Path, same: Same) -> None:
    """Negative, absurd, contradicting: one message each that says what is wrong, where, and what holds."""
    said = []
    for budget in ("-1", "1e300", "nan", "ten", "0.0000001", "2000000"):
        found = run("build", "paid.toml", "--budget", budget)
        said.append(f"{found.stderr}[{found.exit_code}]")
    for value in ("-1", "1e300", "nan", '"ten"', "true", "0.00000011"):
        (here / "paid.toml").write_text(PAID.replace("[graph]", f"[graph]\nbudget_usd = {value}"), encoding="utf-8")
        found = run("build", "paid.toml", "--yes")
        said.append(f"{found.stderr}[{found.exit_code}]")
    settings = (here / "config.toml").read_text("utf-8")
    (here / "paid.toml").write_text(PAID, encoding="utf-8")
    (here / "config.toml").write_text(f"confirm_above_usd = -1\n{settings}", encoding="utf-8")
    found = run("build", "paid.toml", "--yes")
    said.append(f"{found.stderr}[{found.exit_code}]")
    same("budgets.txt", "\n\n".join(said) + "\n")
    assert vendors.requests() == []


def stopped(run: Run, *args: str) -> str:
    """Build what the budget stops; return all that is said after the lines of progress."""
    found = run("build", "paid.toml", *args)
    assert found.exit_code == 6, found.stdout + found.stderr
    return found.stderr + summary(found.stdout)


def test_a_stopped_build_says_what_must_be_raised(run: Run, vendors: FakeVendors, here: Path, same: Same) -> None:
    """Each sort of cap: which one holds, where it stands, the least that makes the rest; free nodes run, what is paid stays."""
    settings = (here / "config.toml").read_text("utf-8")
    said = {}

    def configured(text: str) -> None:
        (here / "config.toml").write_text(f"{settings}\n{text}", encoding="utf-8")

    (here / "paid.toml").write_text(PAID.replace("[graph]", "[graph]\nbudget_usd = 0.10"), encoding="utf-8")
    said["the graph's, and more on the command line"] = stopped(run, "--budget", "5", "-j1")
    (here / "paid.toml").write_text(PAID, encoding="utf-8")
    configured("[budget]\nper_run_usd = 0.2")
    said["a run's"] = stopped(run, "--yes")
    configured("[budget]\nper_day_usd = 0.2")
    said["a day's"] = re.sub(r"in \d+ h \d+ min|in \d+ min", "in SO LONG", stopped(run, "--yes"))
    configured("[budget]\nper_graph_usd = 0.2")
    said["a graph's for ever"] = stopped(run, "--yes")
    configured("[budget.provider.openai]\nper_graph_usd = 0.2")
    said["a provider's"] = stopped(run, "--yes")
    configured("[budget.provider.openai]\nper_run_units = { image = 0, call = 3 }")
    said["a provider's in units"] = stopped(run, "--yes")
    configured('[budget.provider.openai]\nper_graph_units = { "input token" = 5 }')
    said["a provider's in tokens"] = stopped(run, "--yes")
    configured("")
    said["nothing at all"] = stopped(run, "--budget", "0", "--allow-unpriced")
    same("stopped.txt", "\n".join(f"== {name}\n{text}\n" for name, text in said.items()))
    assert len(vendors.charges()) == 1
    assert run("build", "paid.toml", "--budget", "0.27").exit_code == 0


LISTED = """\
[graph]
name = "listed"
[models]
painter = ["fal/fal-ai/flux/dev", "openai/gpt-image-2"]
[node.still]
kind = "image.generate"
model = "painter"
prompt = "A hill at dusk"
size = "1024x1024"
output = "still"
"""


def test_who_served_in_whose_place_is_said_everywhere(run: Run, vendors: FakeVendors, here: Path) -> None:
    """Nothing is dearer or different unsaid: not before a build, not in it, not afterwards, and not to programs."""
    (here / "listed.toml").write_text(LISTED, encoding="utf-8")
    assert "if it is refused: openai/gpt-image-2" in run("plan", "listed.toml").stdout
    (here / "bounded.toml").write_text(LISTED + "max_cost_usd = 0.05\n", encoding="utf-8")
    said = " ".join(run("plan", "bounded.toml").stdout.split())
    assert "openai/gpt-image-2 passed over (it may cost up to $0.26023, and max_cost_usd is $0.05)" in said
    assert "if it is refused" not in said
    vendors.set_faults([{"fault": "status", "vendor": "fal", "operation": "submit", "status": 422}])
    built = run("build", "listed.toml", "--budget", "1")
    assert built.exit_code == 0
    assert "refused    still" in built.stdout
    assert "warning: still: served by openai/gpt-image-2: fal/fal-ai/flux/dev refused the request" in built.stderr
    assert "in place of  fal/fal-ai/flux/dev refused the request" in run("show", "listed.toml", "still").stdout
    assert "in place of: fal/fal-ai/flux/dev refused the request" in run("why", "listed.toml", "still").stdout
    assert "in place of: fal/fal-ai/flux/dev refused the request" in run("plan", "listed.toml", "-v").stdout
    (row,) = valid("plan", json.loads(run("plan", "listed.toml", "--json").stdout))["nodes"]
    assert (row["status"], row["model"]) == ("hit", "openai/gpt-image-2")
    assert [(one["model"], one["class"]) for one in row["passed"]] == [("fal/fal-ai/flux/dev", "invalid")]
    vendors.set_faults([])
    again = run("build", "listed.toml", "--retry-primary", "--dry-run")
    assert "--retry-primary --budget" in again.stdout
    assert (
        json.loads(run("build", "listed.toml", "--retry-primary", "--budget", "1", "--json").stdout)["counts"]["ran"]
        == 1
    )
    assert [line.vendor for line in vendors.charges()] == ["openai", "fal"]


def test_a_fallback_without_a_key_is_told_before_anything_is_sent(
    run: Run, vendors: FakeVendors, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that cannot be gone through to its end is a mistake of the configuration, not a surprise at midnight."""
    (here / "listed.toml").write_text(LISTED, encoding="utf-8")
    (here / "config.toml").write_text("", encoding="utf-8")
    monkeypatch.setenv("FAL_KEY", "x")
    found = run("build", "listed.toml", "--budget", "1")
    assert (found.exit_code, vendors.requests()) == (2, [])
    assert "openai needs a key: OPENAI_API_KEY is not set (for still)" in found.stderr
