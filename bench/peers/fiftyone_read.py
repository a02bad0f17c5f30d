"""Labels that `labelscope predict --format fiftyone` wrote, as FiftyOne's own importer reads them. Arguments: IMAGES LABELS.json; prints one JSON object."""
import json
import os
import sys

# Its importer needs no database; without this FiftyOne would start one.
os.environ["FIFTYONE_DISABLE_SERVICES"] = "1"
import fiftyone
from fiftyone.utils.data.importers import FiftyOneImageClassificationDatasetImporter

importer = FiftyOneImageClassificationDatasetImporter(data_path=sys.argv[1], labels_path=sys.argv[2])
importer.setup()
found = {}
for path, _, label in importer:
    found[os.path.basename(path)] = {one.label: one.confidence for one in label.classifications} if label else {}
print(json.dumps({"version": fiftyone.__version__, "labels": found}))
