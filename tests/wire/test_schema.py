"""The JSON Schema of the keys, held against every example."""
import json
import subprocess

import jsonschema
import pytest
import yaml
from mayfly import BINARY, ROOT

KINDS = {"serve": "serve", "load": "load", "lab": "lab", "policy": "policy", "cluster": "serve",
         "program": None}
EXAMPLES = [path for path in sorted((ROOT / "conf").glob("*/*.yaml")) if KINDS[path.parent.name]]


def schema(kind: str) -> dict:
    return json.loads(subprocess.run([BINARY, "schema", kind], capture_output=True, check=True,
                                     timeout=10).stdout)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_example_is_valid(path):
    kind = schema(KINDS[path.parent.name])
    jsonschema.Draft202012Validator.check_schema(kind)
    jsonschema.Draft202012Validator(kind).validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize(("wrong", "where"), [
    ({"cores": [0], "ports": [{"device": "x", "addresses": []}], "listen": [], "haste": 1},
     "haste"),
    ({"cores": [0], "ports": [{"device": "x", "addresses": []}], "listen": [{}]}, "port"),
    ({"cores": [0], "ports": [{"device": "x", "addresses": []}], "listen": [],
      "time_wait": {"on_full": "panic"}}, "panic"),
])
def test_a_mistake_is_found(wrong, where):
    with pytest.raises(jsonschema.ValidationError, match=where):
        jsonschema.Draft202012Validator(schema("serve")).validate(wrong)
