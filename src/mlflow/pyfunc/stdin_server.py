"""A served model that is asked through standard input, so that it needs no port.

Each line is a JSON object: `id`, `output` (a path), and `body`, the body of a request for
predictions. The answer is written to the path: `id`, `status` as HTTP has them, and `body`. Without
`body` it only says that the model is there. Standard output stays the model's own.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import IO, Any

from mlflow.exceptions import MlflowException
from mlflow.pyfunc.scoring_server import (
    CONTENT_TYPE_JSON,
    invocations,
    load_model_with_mlflow_config,
)


def answer(line: str, model: Any) -> None:
    """Answer one line."""
    question = json.loads(line)
    status, body = 200, "{}"
    if "body" in question:
        try:
            schema = model.metadata.get_input_schema()
            body, status, _ = invocations(question["body"], CONTENT_TYPE_JSON, model, schema)
        except MlflowException as error:
            status, body = error.get_http_status_code(), error.serialize_as_json()
    # Whoever waits for the file must never see half of it.
    unfinished = question["output"] + ".unfinished"
    with open(unfinished, "w", encoding="utf-8") as file:
        json.dump({"id": question["id"], "status": status, "body": body}, file)
    os.replace(unfinished, question["output"])


def serve(lines: IO[str], model_uri: str) -> None:
    """Answer until there are no more lines."""
    model = load_model_with_mlflow_config(model_uri)
    for line in lines:
        answer(line, model)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model-uri", required=True)
    serve(sys.stdin, parser.parse_args().model_uri)


if __name__ == "__main__":
    main()
