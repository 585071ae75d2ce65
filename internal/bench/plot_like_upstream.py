"""Draws the Pareto plot as the guide's plot_pareto.py does, with the same libraries.

It is the reference for the time of `topobench plot`. It reads the same files and computes the same frontier: a
point is dominated if another one is at least as good on both axes, so equal points dominate each other. It
writes the same results.csv and pareto_plot.png, 14 x 6 inches at 300 dots per inch, into the working directory.
"""

import argparse
import json
import os
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

X = "output_token_throughput_per_user_avg"
Y = "output_token_throughput_per_gpu_avg"


def gpus(config):
    """The number of GPUs of a deployment_config.json."""
    if config["mode"] == "aggregated":
        return config["tensor_parallelism"] * config["data_parallelism"]
    prefill = config["prefill_tensor_parallelism"] * config["prefill_data_parallelism"]
    return prefill + config["decode_tensor_parallelism"] * config["decode_data_parallelism"]


def exports(directory):
    """Every export below a directory, with the concurrency in its path."""
    for folder, _, names in os.walk(directory):
        if "profile_export_aiperf.json" in names:
            path = Path(folder) / "profile_export_aiperf.json"
            (concurrency,) = re.findall(r"-concurrency(\d+)", str(path))
            yield path, float(concurrency)


def read(root):
    """One row per export."""
    rows = []
    for directory in Path(root).glob("artifacts_*"):
        config_path = directory / "deployment_config.json"
        config = json.loads(config_path.read_text())
        for path, concurrency in exports(directory):
            export = json.loads(path.read_text())
            rows.append(
                {
                    "label": f"{config['kind']}_{config['mode']}",
                    "configuration": str(path),
                    "concurrency": concurrency,
                    X: export["output_token_throughput_per_user"]["avg"],
                    Y: export["output_token_throughput"]["avg"] / gpus(config),
                    "time_to_first_token_avg": export["time_to_first_token"]["avg"],
                    "inter_token_latency_avg": export["inter_token_latency"]["avg"],
                }
            )
    return pd.DataFrame(rows)


def efficient(points):
    """A flag for each row: no other row is at least as good on both axes. Compares all pairs, as upstream does."""
    values = points[[X, Y]].to_numpy()
    return [
        not any(all(other >= row) for j, other in enumerate(values) if j != i)
        for i, row in enumerate(values)
    ]


def draw(data, title):
    """Points per label, a dashed line through each frontier, the legend outside."""
    figure, axes = plt.subplots(figsize=(14, 6))
    for colour, (label, points) in zip(sns.color_palette(), data.groupby("label")):
        sns.scatterplot(data=points, x=X, y=Y, label=label, color=colour, ax=axes)
        frontier = points[points["is_pareto_efficient"]].sort_values(X)
        axes.plot(frontier[X], frontier[Y], linestyle="--", color=colour, label=f"Pareto {label}")
    axes.set(xlabel="tokens/s/user avg", ylabel="tokens/s/gpu avg", title=f"Pareto - {title}")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    axes.grid(True)
    figure.tight_layout()
    figure.savefig("pareto_plot.png", dpi=300)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artifacts-root-dir", required=True)
    parser.add_argument("--title", default="Single Node")
    args = parser.parse_args()
    data = read(args.artifacts_root_dir)
    data["is_pareto_efficient"] = False
    for _, points in data.groupby("label"):
        data.loc[points.index, "is_pareto_efficient"] = efficient(points)
    data.to_csv("results.csv")
    draw(data, args.title)


main()
