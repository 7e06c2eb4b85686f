"""Makes another version of the shipped model, as a training would leave it: a card and its model file.

    trained.py VERSION DIR

Rules of this file: the model answers as the shipped one, and its file has another hash: bytes behind its end, which no
runtime reads.
"""

import hashlib
import json
import sys
from pathlib import Path

SHIPPED = Path("/opt/nodkald/lib/python3/agent/inference/models/fall-waist.json")

version, folder = sys.argv[1], Path(sys.argv[2])
content = SHIPPED.with_suffix(".tflite").read_bytes() + version.encode()
card = json.loads(SHIPPED.read_text()) | {"version": version, "sha256": hashlib.sha256(content).hexdigest()}
folder.mkdir()
(folder / SHIPPED.name).write_text(json.dumps(card))
(folder / SHIPPED.with_suffix(".tflite").name).write_bytes(content)
