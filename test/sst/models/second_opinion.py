"""Asks botocore, cfn-lint and parliament what they think of the folders that export.ts has written.

For each folder: the checkers that say something which they do not say of the folder `good`. docs/validation.md says how to run it.
"""

import json
import pathlib
import re
import subprocess
import sys

import botocore.session
from botocore.validate import ParamValidator
from parliament import analyze_policy_string

SERVICES = {"cloudwatch-logs": "logs", "route-53": "route53"}
session = botocore.session.get_session()
models = {}


def with_bytes(value):
    if isinstance(value, list):
        return [with_bytes(one) for one in value]
    if isinstance(value, dict):
        if set(value) == {"$bytes"}:
            return value["$bytes"].encode()
        return {key: with_bytes(one) for key, one in value.items()}
    return value


def constraints(shape, value, path):
    """What a model says beyond what botocore itself refuses: values, patterns, lengths and ranges."""
    if shape.type_name == "structure":
        for key, one in value.items():
            if key in shape.members:
                yield from constraints(shape.members[key], one, f"{path}.{key}")
        return
    if shape.type_name == "map":
        for key, one in value.items():
            yield from constraints(shape.key, key, f"{path}.{key}")
            yield from constraints(shape.value, one, f"{path}.{key}")
        return
    if shape.type_name == "list":
        for one in value:
            yield from constraints(shape.member, one, f"{path}[]")
    said = shape.metadata
    size = value if isinstance(value, (int, float)) else len(value)
    if not said.get("min", size) <= size <= said.get("max", size):
        yield f"{path}: {size} is not in {said.get('min')}..{said.get('max')}"
    if isinstance(value, str):
        if said.get("enum") and value not in said["enum"]:
            yield f"{path}: {value} is not one of {said['enum']}"
        try:
            if said.get("pattern") and not re.search(said["pattern"], value):
                yield f"{path}: {value} does not match {said['pattern']}"
        except re.error:
            pass  # A pattern that Python does not know.


def by_botocore(folder):
    for call in json.loads((folder / "calls.json").read_text()):
        service = SERVICES.get(call["service"], call["service"])
        model = models.setdefault(service, session.get_service_model(service))
        operation = call["operation"]
        shape = model.operation_model(operation).input_shape
        value = with_bytes(call["input"])
        report = ParamValidator().validate(value, shape)
        if report.has_errors():
            yield f"{operation}: {report.generate_report()}"
        try:
            for text in constraints(shape, value, operation):
                yield text
        except (AttributeError, TypeError):
            pass  # A value of another type, which the report above has.


def by_cfn_lint(folder):
    command = [pathlib.Path(sys.executable).with_name("cfn-lint"), "--format", "json", folder / "template.json"]
    for one in json.loads(subprocess.run(command, capture_output=True, text=True).stdout or "[]"):
        yield f"{one['Rule']['Id']} {one['Location']['Path'] if one['Location'].get('Path') else ''}: {one['Message']}"


def with_single_values(document):
    """parliament stops at a list of one value after Bool, which is the same as the value to IAM."""
    for statement in document["Statement"]:
        for keys in statement.get("Condition", {}).values():
            for key, values in keys.items():
                keys[key] = values[0] if isinstance(values, list) and len(values) == 1 else values
    return document


def by_parliament(folder):
    for policy in json.loads((folder / "policies.json").read_text()):
        for finding in analyze_policy_string(json.dumps(with_single_values(policy["document"]))).findings:
            yield f"{policy['kind']}: {finding.issue} {finding.detail}"


CHECKERS = {"botocore": by_botocore, "cfn-lint": by_cfn_lint, "parliament": by_parliament}
out = pathlib.Path(sys.argv[1])
good = {name: set(check(out / "good")) for name, check in CHECKERS.items()}
for name, texts in good.items():
    print(f"good, {name}: {len(texts)}")
    for text in sorted(texts):
        print(f"    {text[:300]}")
seen = dict.fromkeys(CHECKERS, 0)
for folder in sorted(one for one in out.iterdir() if one.name != "good"):
    found = {name: [text for text in check(folder) if text not in good[name]] for name, check in CHECKERS.items()}
    print(f"{folder.name} {(folder / 'mistake.txt').read_text()}: {', '.join(name for name in found if found[name]) or 'none'}")
    for name, texts in found.items():
        seen[name] += bool(texts)
        for text in texts[:2]:
            print(f"    {name}: {text[:200]}")
print(", ".join(f"{name} {count}" for name, count in seen.items()))
