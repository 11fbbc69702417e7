"""Evaluate services.jsonnet on a file of values: python jsonnet.py VALUES.json. For bench_build."""

import json
import pathlib
import sys

import _gojsonnet

HERE = pathlib.Path(__file__).parent


def main() -> None:
    values = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
    text = _gojsonnet.evaluate_file(str(HERE / "services.jsonnet"), tla_codes={"values": values})
    sys.stdout.write(json.loads(text))


if __name__ == "__main__":
    main()
