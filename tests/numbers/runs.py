"""Shipped scenarios run by the program, their summaries and ledgers; shared by the checks of this folder."""
import argparse
import concurrent.futures
import json
import pathlib
import subprocess
import tempfile


class Runs:
    def __init__(self, program, scenarios, jobs):
        self.program, self.scenarios, self.jobs = program, pathlib.Path(scenarios), jobs
        self.pool = concurrent.futures.ThreadPoolExecutor(jobs)

    @staticmethod
    def arguments():
        """A parser of what every check of this folder is given."""
        p = argparse.ArgumentParser()
        p.add_argument("program")
        p.add_argument("scenarios", type=pathlib.Path)
        p.add_argument("-j", type=int, default=2)
        return p

    def shipped(self):
        found = []
        for folder in ("", "hazards", "adversity", "questions", "fidelity"):
            found += sorted(p for p in (self.scenarios / folder).glob("*.json") if '"version"' in p.read_text())
        return found

    def run(self, scenario, sets=(), strategy=None):
        """(exit code, {label: metrics}, {label: ledger lines}); a gate that fails is no failure of the run."""
        with tempfile.TemporaryDirectory(prefix="guestdma-numbers-") as out:
            command = [self.program, "run", str(scenario), "--out", out, "--force", "--no-plots", "--quiet", "-j", "1"]
            for s in sets:
                command += ["--set", s]
            if strategy:
                command += ["--strategy", strategy]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            metrics, ledgers = {}, {}
            for summary in pathlib.Path(out).glob("*/summary.json"):
                label = summary.parent.name
                metrics[label] = {k: v["value"] for k, v in json.loads(summary.read_text())["metrics"].items()}
                ledgers[label] = json.loads((summary.parent / "ledger.json").read_text())["lines"]
            return done.returncode, metrics, ledgers, done.stderr

    def all(self, calls):
        """Results of run(*call) in the order of `calls`."""
        return list(self.pool.map(lambda c: self.run(*c), calls))


def merged(path, seen=()):
    """A scenario, platform or profile with what it extends (RFC 7396), and the files of the chain."""
    own = json.loads(path.read_text())
    bases = own.pop("extends", [])
    result, chain = {}, []
    for base in [bases] if isinstance(bases, str) else bases:
        tree, files = merged((path.parent / base).resolve(), seen + (path,))
        result, chain = merge(result, tree), chain + files
    return merge(result, own), chain + [path.resolve()]


def merge(into, patch):
    if not isinstance(patch, dict):
        return patch
    result = dict(into) if isinstance(into, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result
