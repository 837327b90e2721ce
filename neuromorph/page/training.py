"""The page of ``neuromorph train``: one network on one stream."""

from collections.abc import Mapping
from typing import Any

from neuromorph.metrics import AccuracyMatrix
from neuromorph.page.content import Page, Picture, Section
from neuromorph.page.parts import CHANCE, average_panel, metrics, task_pictures, task_table
from neuromorph.page.svg import Key
from neuromorph.palette import SUBSTRATES
from neuromorph.study import spread
from neuromorph.tables import Table, tenth

NAMES = {
    "average_accuracy": "ACC", "learning_accuracy": "LA", "forgetting": "forgetting", "backward_transfer": "BWT",
    "forward_transfer": "FWT",
}  # fmt: skip

FORWARD = (
    "FWT: mean over the later tasks of the accuracy right before they are learned minus that of the untrained network. "
)


def training(results: Mapping[str, Any], matrix: AccuracyMatrix, config: Mapping[str, Any]) -> Page:
    """``results``: results.json of a training; ``matrix``: its accuracies; ``config``: arguments and provenance."""
    stream, chance = results["stream"], results["chance"]
    lead = (
        f"The deep binarized spiking network on {stream['name']}, {stream['scenario']}: {stream['tasks']} tasks, "
        f"{results['epochs']} epochs each, one seed (percent). No other row stands beside it: 'neuromorph compare' and "
        "'neuromorph benchmark' also train without protection and on all tasks at once."
    )
    rows = (
        *((name, spread(results["metrics"][key])) for key, name in NAMES.items()),
        ("chance", tenth(100 * chance)),
    )
    whole = Table("Accuracy and forgetting", ("metric", "percent"), rows)
    alone = {"snntorch": matrix}
    panel = average_panel("average0", "Average accuracy", alone, chance, {})
    keys = (Key("network", *SUBSTRATES["snntorch"]), CHANCE)
    average = Picture(
        "average", "Average accuracy while learning", "Mean accuracy on the tasks learned so far.", (panel,), keys
    )
    pictures = task_pictures({"Each task": matrix}, chance)
    each = task_table("Each task, by name", matrix, stream["samples"], stream["names"])
    sections = (
        Section("Results", (metrics(1, FORWARD),), (whole,), (average,)),
        Section("Task by task", (), (each,), pictures),
    )
    return Page(f"A network trained on {stream['name']}", lead, sections, config, stream["tasks"])
