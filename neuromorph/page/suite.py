"""The page of ``neuromorph benchmark``: learning systems on task streams."""

from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np

from neuromorph.figures import look
from neuromorph.metrics import AccuracyMatrix
from neuromorph.page.content import Page, Picture, Section
from neuromorph.page.parts import (
    CHANCE,
    JOINT,
    UNPROTECTED,
    average_panel,
    bands,
    bar_keys,
    bar_panel,
    barred,
    metrics,
    task_pictures,
    task_table,
)
from neuromorph.page.svg import Key
from neuromorph.palette import COLOURS
from neuromorph.study import JOINT as ALL_AT_ONCE
from neuromorph.tables import Table

TOLD = (
    "Told: what the learner is given beside samples and labels. Joint: all tasks at once, the upper reference. A "
    "learner without parts and with m = 0 is not protected."
)


def suite(content: Mapping[str, Any], lead: str, table: Sequence[Sequence[str]], config: Mapping[str, Any]) -> Page:
    """From results.json of a benchmark, with its table as text, streams in its first column, and its heading."""
    streams = list(dict.fromkeys((row["stream"], row["tasks"]) for row in content["rows"]))
    sections = [Section("Results", (metrics(content["seeds"]), TOLD), (), (_bars(content),))]
    for k, key in enumerate(streams):
        rows = [row for row in content["rows"] if (row["stream"], row["tasks"]) == key]
        title = f"{key[0]} in {key[1]} tasks, {rows[0]['scenario']}-incremental"
        named = f"{key[0]}@{key[1]} ({rows[0]['scenario']})"
        cells = tuple(tuple(line[1:]) for line in table[1:] if line[0] == named)
        whole = Table(f"Every learner on {title}", tuple(table[0][1:]), cells)
        complete = [row for row in rows if row["role"] != ALL_AT_ONCE and "baseline" in row]
        shown = {row["learner"]: _matrix(row) for row in complete}
        folded = tuple(task_table(f"Each task: {name}, {title}", matrix) for name, matrix in shown.items())
        sections.append(Section(title, (), (whole,), _stream(rows, f"{k}" if k else "", content["seeds"]), folded))
    return Page("Learning systems on task streams", lead, tuple(sections), config, max(tasks for _, tasks in streams))


def long(content: Mapping[str, Any]) -> Table:
    """A row a number of the accuracy matrices; learned 0: before learning."""
    rows = [
        (row["stream"], row["tasks"], row["learner"], row["role"], *one.values())
        for row in content["rows"]
        for one in _matrix(row).table()
        if one["learned"] or "baseline" in row
    ]
    head = ("stream", "tasks", "learner", "role", "learned", "tested", "seed", "accuracy")
    return Table("Accuracy matrices", head, tuple(rows))


def _stream(rows: Sequence[Mapping[str, Any]], name: str, seeds: int) -> tuple[Picture, ...]:
    """The average accuracy while learning, and every task, a panel a learner."""
    chance = rows[0]["chance"]
    found = {(row["learner"], row["role"]): _matrix(row) for row in rows}
    matrices = {learner: matrix for (learner, role), matrix in found.items() if not role}
    panels = []
    for k, (learner, matrix) in enumerate(matrices.items()):
        held = {role: found[key] for role, key in _held(learner, found).items()}
        levels = {role: one.average_accuracy if role == ALL_AT_ONCE else one for role, one in held.items()}
        panels.append(average_panel(f"average{name}-{k}", learner, {learner: matrix}, chance, levels))
    keys = (Key("learner", COLOURS[0]), UNPROTECTED, JOINT, CHANCE)
    caption = f"Mean accuracy on the tasks learned so far, for every learner. {bands(seeds, points=True)}"
    average = Picture(f"average{name}", "Average accuracy while learning", caption, tuple(panels), keys)
    return average, *task_pictures(matrices, chance, name, "baseline" in rows[0])


def _matrix(row: Mapping[str, Any]) -> AccuracyMatrix:
    """A file of an earlier version has no baseline; chance stands in its place, and is not shown."""
    accuracy = np.array(row["accuracy"])
    return AccuracyMatrix(accuracy, np.array(row.get("baseline", np.full(accuracy.shape[1:], row["chance"]))))


def _bars(content: Mapping[str, Any]) -> Picture:
    panels, known = [], dict[str, str]()
    for k, stream in enumerate(dict.fromkeys((row["stream"], row["tasks"]) for row in content["rows"])):
        some = [row for row in content["rows"] if (row["stream"], row["tasks"]) == stream]
        shown = [row for row in some if row["role"] != ALL_AT_ONCE]
        mean = {(row["learner"], row["role"]): float(np.mean(row["metrics"]["average_accuracy"])) for row in some}
        labels = [row["learner"] for row in shown]
        values = [row["metrics"]["average_accuracy"] for row in shown]
        kinds = [label.partition("/")[0] if "/" in label else "network" for label in labels]
        colours = [look(kind, 5)[0] for kind in kinds]
        known |= dict(zip(kinds, colours, strict=True))
        marks = [{role: mean[key] for role, key in _held(label, mean).items()} for label in labels]
        title = f"{stream[0]}, {some[0]['scenario']}-incremental, {stream[1]} tasks"
        panels.append(bar_panel(f"bars{k}", title, labels, values, some[0]["chance"], marks, colours))
    caption = (
        f"{barred(content['seeds'])}. Joint and no protection: of the same network without its parts, and with m = 0."
    )
    return Picture("benchmark", "Average accuracy after the last task", caption, tuple(panels), bar_keys(known))


def _held(learner: str, known: Container[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """The rows (learner, role) that one is held against: its network on all tasks at once, and without parts or m."""
    base = learner.partition("+")[0]
    bare = f"{base.partition(':')[0]}:m=0"
    joint = [(name, ALL_AT_ONCE) for name in (base, bare) if (name, ALL_AT_ONCE) in known]
    plain = [(name, "") for name in (bare, base) if (name, "") in known and name != learner]
    protected = learner != base or plain and plain[0][0] == bare
    return dict([(ALL_AT_ONCE, joint[0])] if joint else []) | dict(
        [("no protection", plain[0])] if plain and protected else []
    )
