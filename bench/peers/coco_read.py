"""Reads a COCO file as json, orjson or pycocotools do, and says how long it took and the most memory it held: one line of JSON."""

import contextlib
import json
import resource
import sys
import time
from importlib.metadata import version


def read(reader, path):
    if reader == "json":
        with open(path, encoding="utf-8") as file:
            return json.load(file), sys.version.split()[0]
    if reader == "orjson":
        import orjson

        with open(path, "rb") as file:
            return orjson.loads(file.read()), version("orjson")
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(sys.stderr if "-v" in sys.argv else None):
        return COCO(path).dataset, version("pycocotools")


def main():
    reader, path = sys.argv[1:3]
    if reader == "orjson":
        import orjson  # noqa: F401  (loading the module is not reading the file)
    elif reader == "pycocotools":
        import pycocotools.coco  # noqa: F401
    start = time.perf_counter()
    data, version_used = read(reader, path)
    seconds = time.perf_counter() - start
    # Kilobytes on Linux, bytes on macOS.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    print(json.dumps({"version": version_used, "milliseconds": 1000 * seconds, "peakMiB": peak, "annotations": len(data["annotations"])}))


main()
