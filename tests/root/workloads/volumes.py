# SPDX-License-Identifier: Apache-2.0
"""Counts in a file on each volume: one that it holds open, and one that it opens for each step.

Arguments: directories. Prints READY, then NEXT N for each file /tmp/next that is made. Ends with
WRONG if a file does not hold what it had written.
"""
import os
import sys
import time

kept = {directory: open(f"{directory}/kept", "a+", encoding="ascii") for directory in sys.argv[1:]}
count = 0


def step():
    for directory, file in kept.items():
        with open(f"{directory}/count", "a+", encoding="ascii") as again:
            for each in (file, again):
                each.seek(0)
                if each.read() != "".join(f"{n}\n" for n in range(count)):
                    sys.exit(f"WRONG {each.name}")
                print(count, file=each, flush=True)


print("READY", flush=True)
while True:
    if os.path.exists("/tmp/next"):
        step()
        os.unlink("/tmp/next")
        print("NEXT", count, flush=True)
        count += 1
    time.sleep(0.02)
