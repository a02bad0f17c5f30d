"""The exported model as a user of Python loads it: the lines of the README, for each image. Arguments: MODEL IMAGE…; prints one JSON object."""
import json
import sys

import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession(sys.argv[1])
_, height, width, _ = session.get_inputs()[0].shape
scores = []
for path in sys.argv[2:]:
    pixels = np.asarray(Image.open(path).convert("RGB").resize((width, height)))[None]
    probabilities = session.run(["probabilities"], {"image": pixels})[0]
    scores.append(probabilities[0].tolist())

metadata = session.get_modelmeta().custom_metadata_map
print(json.dumps({"version": onnxruntime.__version__, "categories": json.loads(metadata["labelscope.categories"]), "scores": scores}))
