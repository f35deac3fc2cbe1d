# SPDX-License-Identifier: Apache-2.0
"""A Redis server full of keys, and a client beside it that counts through one connection.

    READY <number of keys>
    COUNT <n>               what INCR answered; n is always one more than before
    ERROR <text>            anything the client did not expect

Database 0 holds the keys, 1 the count of the client in here, 2 is for clients outside.
"""
import os
import subprocess
import sys
import time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

BATCH = 10_000


def connect(database):
    # No retries: they would hide exactly the errors that this program is to report.
    return redis.Redis(host="127.0.0.1", db=database, retry=Retry(NoBackoff(), 0))


def wait_for_server():
    while True:
        try:
            return connect(0).ping()
        except redis.ConnectionError:
            time.sleep(0.05)


def fill(count):
    client = connect(0)
    for first in range(0, count, BATCH):
        client.mset({f"key:{i}": os.urandom(32).hex() for i in range(first, first + BATCH)})
    return client.dbsize()


def main():
    subprocess.Popen(["redis-server", "--save", "", "--appendonly", "no", "--bind", "0.0.0.0",
                      "--protected-mode", "no", "--logfile", "/tmp/redis.log"])
    wait_for_server()
    print("READY", fill(int(sys.argv[1])), flush=True)
    client, last = connect(1), 0
    while True:
        try:
            number = client.incr("count")
            print("COUNT", number, flush=True)
            if number != last + 1:
                print("ERROR count went from", last, "to", number, flush=True)
            last = number
        except redis.RedisError as error:
            print("ERROR", type(error).__name__, error, flush=True)
        time.sleep(0.05)


main()
