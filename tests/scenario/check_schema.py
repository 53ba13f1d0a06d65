#!/usr/bin/python3 -I
"""Checks every shipped scenario, platform and list of points against its schema with an independent implementation.

usage: check_schema.py SCENARIOS_FOLDER; exit 77 when python3-jsonschema is not installed.
"""
import json
import pathlib
import sys

try:
    import jsonschema
except ImportError:
    sys.exit(77)

BAD = [
    {"nic": {"rign_size": 512}},
    {"nic": {"ring_size": 3}},
    {"nic": {"link_rate": 10}},
    {"nic": {"link_rate": "10"}},
    {"iommu": {"mode": "on"}},
    {"guests": []},
    {"traffic": {"loop": "yes"}},
    {"version": 2},
]

GOOD = {"id": "p", "value": 1, "unit": "ns", "tolerance": {"rel": 0.1}, "runs": {"a": {"scenario": "s.json"}}, "formula": "drops.total[a]"}
BAD_POINTS = [
    {},
    [],
    [{k: v for k, v in GOOD.items() if k != "formula"}],
    [{**GOOD, "not_modelled": "why"}],
    [{**GOOD, "tolerance": {"rel": 0.1, "abs": 1}}],
    [{**GOOD, "runs": {"a": {}}}],
    [{**GOOD, "yaer": 2018}],
    [{"include": "a.json", "id": "p"}],
]


def main(folder):
    root = pathlib.Path(folder)
    schema = json.loads((root / "schema/scenario.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    files = [f for sub in ("", "platforms", "bench", "hazards", "adversity", "questions") for f in sorted((root / sub).glob("*.json"))]
    wrong = [f"{f}: {e.json_path}: {e.message}" for f in files for e in validator.iter_errors(json.loads(f.read_text()))]
    wrong += [f"accepted: {json.dumps(b)}" for b in BAD if validator.is_valid(b)]
    points = jsonschema.Draft7Validator(json.loads((root / "schema/points.schema.json").read_text()))
    jsonschema.Draft7Validator.check_schema(points.schema)
    lists = [root / "fidelity/points.json", *sorted((root / "fidelity/points.d").glob("*.json"))]
    wrong += [f"{f}: {e.json_path}: {e.message}" for f in lists for e in points.iter_errors(json.loads(f.read_text()))]
    wrong += [f"accepted: {json.dumps(b)}" for b in BAD_POINTS if points.is_valid(b)]
    files += lists
    print("\n".join(wrong) if wrong else f"{len(files)} files obey the schema")
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
