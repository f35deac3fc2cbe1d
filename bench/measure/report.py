# SPDX-License-Identifier: Apache-2.0
"""The tables: medians, and how Reprise compares."""
import statistics

from measure.cost import TITLES, WAYS
from measure.subjects import SUBJECTS, Reprise

# Metric, what it is, and how it is written.
ROWS = (
    ("freeze_ms", "freeze: largest gap between ticks, checkpoint leaves it running", "ms"),
    ("checkpoint_running_ms", "that checkpoint: until the command returns", "ms"),
    ("stop_ms", "stop: until the command returns", "ms"),
    ("stop_durable_ms", "… and the checkpoint would survive a power cut", "ms"),
    ("progress_ms", "start: until the first tick", "ms"),
    ("start_ms", "start: until the command returns", "ms"),
    ("full_ms", "start: until all memory is there, where that is later", "ms"),
    ("disk_bytes", "bytes on disk", "MB"),
    ("kill_ms", "`kill ID 15` of the runtime: until it returns", "ms"),
    ("kill_ended_ms", "… and the container has ended", "ms"),
    ("quiet_gap_ms", "largest gap in half a second without any of that (noise)", "ms"),
)
COMPARED = [subject.name for subject in SUBJECTS if subject.can_checkpoint and
            subject is not Reprise]


def medians(samples):
    """Rows of {size, metric, subject, median, ratio, values}; ratio is Reprise's to that one."""
    rows = []
    for size in sorted({sample["megabytes"] for sample in samples}):
        for metric, _, _ in ROWS:
            values = {}
            for sample in samples:
                if sample["megabytes"] == size and metric in sample:
                    values.setdefault(sample["subject"], []).append(sample[metric])
            ours = statistics.median(values[Reprise.name]) if Reprise.name in values else None
            for subject, several in values.items():
                median = statistics.median(several)
                comparable = ours is not None and subject in COMPARED and \
                    metric != "quiet_gap_ms"
                rows.append({"megabytes": size, "metric": metric, "subject": subject,
                             "median": median, "ratio": ours / median if comparable else None,
                             "values": several})
    return rows


def _number(value, unit):
    value = value / 1e6 if unit == "MB" else value
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def _cell(row, unit):
    if row is None:
        return "–"
    text = f"{_number(row['median'], unit)} {unit}"
    return text if row["ratio"] is None else f"{text} (×{row['ratio']:.2f})"


def _table(head, lines):
    yield "| " + " | ".join(head) + " |"
    yield "|---" + "|---:" * (len(head) - 1) + "|"
    for line in lines:
        yield "| " + " | ".join(line) + " |"


def _cycles(rows, runs):
    measured = {row["subject"] for row in rows}
    subjects = [subject for subject in SUBJECTS if subject.name in measured]
    found = {(row["megabytes"], row["metric"], row["subject"]): row for row in rows}
    for size in sorted({row["megabytes"] for row in rows}):
        yield f"### {size} MB of memory, median of {runs}"
        yield ""
        yield from _table(["", *(subject.title for subject in subjects)], (
            [title, *(_cell(found.get((size, metric, subject.name)), unit)
                      for subject in subjects)]
            for metric, title, unit in ROWS))
        yield ""


def cost_medians(values):
    """Rows of {what, way, median, more, values}; `more` is what it adds to plain runc."""
    rows = []
    for (what, way), several in values.items():
        median = statistics.median(several)
        rows.append({"what": what, "way": way, "median": median,
                     "more": median - statistics.median(values[what, "runc"]), "values": several})
    return rows


def _cost(rows):
    repeats = len(rows[0]["values"])
    yield f"### The wrapper where it has nothing to do, median of {repeats}"
    yield ""
    found = {(row["what"], row["way"]): row for row in rows}

    def cell(what, way):
        row = found.get((what, way))
        if row is None:
            return "–"
        more = "" if way == "runc" else f" ({row['more']:+.1f})"
        return f"{row['median']:.1f} ms{more}"

    yield from _table(["", *WAYS.values()], (
        [title, *(cell(what, way) for way in WAYS)] for what, title in TITLES.items()))
    yield ""


def markdown(host, rows, cost_rows, options):
    """Everything for people. (×R): Reprise's figure divided by the one that stands there."""
    lines = [f"{host['cores']} cores ({host['processor']}), kernel {host['kernel']}, "
             f"{host['podman']}, {host['runc']}, {host['criu']}, {host['reprise']}; "
             f"Podman's network lock: {host['podman_network_lock']}; memory filled with "
             f"{options['fill']} pages; (×R): Reprise divided by that", ""]
    if rows:
        lines += _cycles(rows, options["runs"])
    if cost_rows:
        lines += _cost(cost_rows)
    return "\n".join(lines)
