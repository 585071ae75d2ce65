"""Reads an artifacts_root as the guide's plot_pareto.py does, and prints a line per point.

The columns are those of its results.csv without the row number, the path and the frontier.
"""

import json
import os
import re
import sys
from pathlib import Path


def gpus(config):
    if config["mode"] == "aggregated":
        return config["tensor_parallelism"] * config["data_parallelism"]
    prefill = config["prefill_tensor_parallelism"] * config["prefill_data_parallelism"]
    return prefill + config["decode_tensor_parallelism"] * config["decode_data_parallelism"]


for directory in sorted(Path(sys.argv[1]).glob("artifacts_*")):
    config = json.loads((directory / "deployment_config.json").read_text())
    for folder, _, names in sorted(os.walk(directory)):
        if "profile_export_aiperf.json" not in names:
            continue
        path = Path(folder) / "profile_export_aiperf.json"
        (concurrency,) = re.findall(r"-concurrency(\d+)", str(path))
        export = json.loads(path.read_text())
        print(
            f"{config['kind']}_{config['mode']}",
            float(concurrency),
            export["output_token_throughput_per_user"]["avg"],
            export["output_token_throughput"]["avg"] / gpus(config),
            export["time_to_first_token"]["avg"],
            export["inter_token_latency"]["avg"],
            sep=",",
        )
