# SPDX-License-Identifier: Apache-2.0
"""One container, from its start to its end, under one of the subjects: everything it tells."""
import os
import pathlib
import time

from measure.host import bytes_on_disk, make_durable, run, timed

QUIET_TICKS = 500


def _settle():
    """What earlier steps left in the page cache must not be written during the next one."""
    os.sync()


def _quiet(container):
    """The largest gap while nothing is done to it: below that, a freeze cannot be seen."""
    begin = container.log.records()[-1][1]
    container.log.wait_for_count(container.log.count() + QUIET_TICKS, "the workload to tick")
    return {"quiet_gap_ms": container.log.largest_gap_ms(begin, time.time_ns())}


def _checkpoint_running(subject, container):
    command = subject.checkpoint_running(container)
    _settle()
    begin = time.time_ns()
    took = timed(*command, env=subject.environment())
    end = time.time_ns()
    container.log.wait_for_tick_after(end)
    freeze = container.log.largest_gap_ms(begin, end)
    subject.after_checkpoint_running(container)
    return {"freeze_ms": freeze, "checkpoint_running_ms": took}


def _stop_and_start(subject, container):
    command = subject.stop(container)
    _settle()
    stopped = timed(*command, env=subject.environment())
    files = [pathlib.Path(path) for path in subject.files(container)]
    flushed = make_durable(files[0].parent)
    result = {"stop_ms": stopped, "stop_durable_ms": stopped + flushed,
              "disk_bytes": bytes_on_disk(files)}
    subject.before_start(container)
    command = subject.start(container)
    _settle()
    begin = time.time_ns()
    result["start_ms"] = timed(*command, env=subject.environment())
    first = container.log.wait_for_tick_after(begin)
    result["progress_ms"] = (first[1] - begin) / 1e6
    if subject.await_memory(container):
        result["full_ms"] = (time.time_ns() - begin) / 1e6
    container.log.assert_unbroken()
    container.refresh()
    return result


def _stop_cold(container):
    """What `podman stop` takes with nothing to save. It is started again, from the beginning."""
    _settle()
    result = {"stop_ms": timed("podman", "stop", container.name)}
    begin = time.time_ns()
    run("podman", "start", container.name)
    container.log.wait_for_tick_after(begin)
    container.refresh()
    return result


def _kill(subject, container):
    command = subject.kill(container)
    _settle()
    returned, ended = container.timed_kill(command, subject.environment())
    container.wait_until_exited()
    return {"kill_ms": returned, "kill_ended_ms": ended}


def measure(subject, container, megabytes, fill):
    """Runs a container and everything that is measured on it. The caller removes it."""
    container.run(subject, megabytes, fill)
    result = _quiet(container)
    if subject.can_checkpoint:
        result |= _checkpoint_running(subject, container)
        result |= _stop_and_start(subject, container)
    else:
        result |= _stop_cold(container)
    return result | _kill(subject, container) if subject.kills else result
