#!/usr/bin/python3 -I
"""workflows_test.py PROGRAM ROOT: .github/workflows as an independent reader sees them, and their commands carried out.

Each file is YAML of the shape that GitHub takes; each path that a command names is there; the steps of gate.yml are run in a scratch
repository, with a scenario that holds, one whose expect line does not, and one that left its baseline. Exit code 77: skipped.
"""
import os
import re
import subprocess
import sys
import tempfile

try:
    import yaml
except ImportError:
    print("skipped: python3-yaml is not installed")
    sys.exit(77)

PROGRAM, ROOT = sys.argv[1], sys.argv[2]
FOLDER = os.path.join(ROOT, ".github", "workflows")
SMALL = """{"version": 1, "strategies": ["vhost-copy"], "time": {"warmup": "20us", "measure": "200us", "drain": "200us"},
 "traffic": {"rate": "1Gbps", "frame_bytes": 512, "protocol": "udp", "flows": 2}, "expect": ["throughput.goodput > %s Gb/s"]}"""


def check(holds, what):
    if not holds:
        print("failed:", what)
        sys.exit(1)


class Unique(yaml.SafeLoader):
    """Refuses keys that stand twice."""


def mapping(loader, node):
    keys = [loader.construct_object(k) for k, _ in node.value]
    check(len(set(map(str, keys))) == len(keys), f"a key twice: {keys}")
    return {loader.construct_object(k): loader.construct_object(v, deep=True) for k, v in node.value}


Unique.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)


def steps_of(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
        document = yaml.load(f, Unique)
    check({"name", "jobs"} <= set(document) and True in document, f"{name}: name, on, jobs")   # YAML 1.1 reads `on` as true
    steps = []
    for job in document["jobs"].values():
        check(job["container"] == "debian:12" and job["timeout-minutes"] <= 60, f"{name}: where and how long a job runs")
        for step in job["steps"]:
            check(("run" in step) != ("uses" in step), f"{name}: a step runs or uses: {step}")
            check("uses" not in step or re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]), f"{name}: an action with its version: {step}")
            check(subprocess.run(["bash", "-n"], input=step.get("run", ""), text=True, check=False).returncode == 0, f"{name}: a command: {step}")
            steps.append(step)
    return document, steps


def known_options(command):
    text = subprocess.run([PROGRAM, "help", command], stdout=subprocess.PIPE, text=True, check=True).stdout
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text))


def of_this_repository():
    _, steps = steps_of("ci.yml")
    commands = [s["run"] for s in steps if "run" in s]
    check("./.ci/run" in commands, "ci.yml calls .ci/run")
    check(os.access(os.path.join(ROOT, ".ci", "run"), os.X_OK), ".ci/run can be executed")
    with open(os.path.join(ROOT, ".ci", "run"), encoding="utf-8") as f:
        check(">build/ci/summary.md" in f.read(), ".ci/run writes the summary that ci.yml shows")
    check(any("GITHUB_STEP_SUMMARY" in c and "build/ci/summary.md" in c for c in commands), "the summary is shown")


def of_a_user():
    document, steps = steps_of("gate.yml")
    inputs = document[True]["workflow_call"]["inputs"]
    job = document["jobs"]["gate"]
    env = {}
    for name, value in job["env"].items():
        of = re.fullmatch(r"\$\{\{ inputs\.(\w+) \}\}", value)
        check(of and "default" in inputs[of[1]], f"{name} is an input with a default")
        env[name] = inputs[of[1]]["default"]
    commands = [s["run"] for s in steps if "run" in s and "apt-get" not in s["run"]]
    check(commands[0] == ".guestdma/tools/run --version", "it is built first")
    for command in commands:
        for tool in re.findall(r"\.guestdma/(\S+)", command):
            check(os.access(os.path.join(ROOT, tool), os.X_OK), f"{tool} is there")
        for line in command.replace("\\\n", " ").split("\n"):
            called = re.search(r"\.guestdma/tools/run ([a-z]+)(.*?)(\|\||$)", line)
            if called:
                unknown = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", called[2])) - known_options(called[1])
                check(not unknown, f"{line}: {unknown}")
    return commands[1:], env


def play(commands, env, folder):
    """Runs the steps as GitHub does, `if: success() || failure()`; returns their codes and the summary."""
    summary = os.path.join(folder, "summary.md")
    open(summary, "w", encoding="utf-8").close()
    everything = dict(os.environ, GITHUB_STEP_SUMMARY=summary, GITHUB_ACTIONS="true", CI="true", GUESTDMA=PROGRAM, **env)
    subprocess.run(["rm", "-rf", os.path.join(folder, "reports")], check=True)
    done = [subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", c], cwd=folder, env=everything, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False) for c in commands]
    with open(summary, encoding="utf-8") as f:
        return [d.returncode for d in done], f.read(), "".join(d.stdout for d in done)


def scenario(folder, name, least):
    with open(os.path.join(folder, "scenarios", name + ".json"), "w", encoding="utf-8") as f:
        f.write(SMALL % least)


def played(commands, env):
    with tempfile.TemporaryDirectory(prefix="guestdma workflow ") as folder:
        tools = os.path.join(folder, ".guestdma", "tools")
        os.makedirs(tools)
        os.makedirs(os.path.join(folder, "scenarios"))
        os.symlink(os.path.join(ROOT, "tools", "baselines"), os.path.join(tools, "baselines"))
        with open(os.path.join(tools, "run"), "w", encoding="utf-8") as f:   # without building, for the program is there, and without pictures, which take their time
            f.write('#!/bin/sh\nexec "$GUESTDMA" "$@" --no-plots\n')
        os.chmod(os.path.join(tools, "run"), 0o755)
        scenario(folder, "first", 0.5)
        update = [os.path.join(ROOT, "tools", "baselines"), "--update", "--in", env["BASELINES"], "scenarios/first.json"]
        local = {k: v for k, v in os.environ.items() if k not in ("CI", "GITHUB_ACTIONS")}
        check(subprocess.run(update, cwd=folder, env=dict(local, GUESTDMA=PROGRAM), stdout=subprocess.DEVNULL, check=False).returncode == 0, "baselines are written")

        codes, summary, out = play(commands, env, folder)
        check(codes == [0, 0], f"what holds passes: {codes}\n{out}")
        check("| goodput |" in summary and "1 as their baselines" in summary, f"the summary: {summary}")
        for report in ("first.xml", "baselines.xml", "first/comparison.md", "baselines.md"):
            check(os.path.isfile(os.path.join(folder, "reports", report)), f"reports/{report}")

        scenario(folder, "second", 9)
        codes, summary, out = play(commands, env, folder)
        check(codes == [1, 1] and "::error file=" in out, f"an expect line that does not hold, and no baseline: {codes}\n{out}")

        os.remove(os.path.join(folder, "scenarios", "second.json"))
        with open(os.path.join(folder, "scenarios", "first.json"), "w", encoding="utf-8") as f:
            f.write((SMALL % 0.1).replace("1Gbps", "2Gbps"))
        codes, summary, out = play(commands, env, folder)
        check(codes == [0, 4] and "another configuration" in summary.lower(), f"another configuration: {codes}\n{out}")


def main():
    names = sorted(os.listdir(FOLDER))
    check(names == ["ci.yml", "gate.yml"], f"the workflows that are tested: {names}")
    of_this_repository()
    commands, env = of_a_user()
    played(commands, env)


main()
