"""Creates an artifacts root with many cells from a recorded one.

    make_tree.py RECORDED TREE CELLS

It copies every artifacts_N of RECORDED, deployment_config.json and exports, until there are at least CELLS
exports. Each copy has its speeds scaled by other factors, so that the points differ. The factors are the
same in every run.
"""

import itertools
import json
import random
import sys
from pathlib import Path

CHANCE = random.Random(7)


def scaled(text):
    """Returns the export with every statistic of its speeds scaled, in aiperf's layout."""
    export = json.loads(text)
    for name in ("output_token_throughput", "output_token_throughput_per_user"):
        factor = CHANCE.uniform(0.7, 1.3)
        for statistic, value in export[name].items():
            if statistic not in ("unit", "count"):
                export[name][statistic] = value * factor
    return json.dumps(export, indent=2, ensure_ascii=False)


def copy(source, target):
    """Copies one artifacts_N without aiperf's own phases/, and returns its number of cells."""
    target.mkdir(parents=True)
    config = (source / "deployment_config.json").read_text()
    (target / "deployment_config.json").write_text(config)
    exports = list(source.glob("-concurrency*/profile_export_aiperf.json"))
    for path in sorted(exports):
        (target / path.parent.name).mkdir()
        (target / path.parent.name / path.name).write_text(scaled(path.read_text()))
    return len(exports)


def main(recorded, tree, cells):
    sources = itertools.cycle(sorted(Path(recorded).glob("artifacts_*")))
    made = 0
    for n, source in enumerate(sources):
        if made >= cells:
            return
        made += copy(source, Path(tree) / f"artifacts_{n}")


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
