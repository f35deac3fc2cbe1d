# SPDX-License-Identifier: Apache-2.0
"""Prints the number of keys in database 0 and a digest of all keys and values, in any order."""
import hashlib

import redis


def main():
    client = redis.Redis(host="127.0.0.1", db=0)
    digest, count, cursor = 0, 0, None
    while cursor != 0:
        cursor, keys = client.scan(cursor or 0, count=20_000)
        keys = list(set(keys))
        for key, value in zip(keys, client.mget(keys)):
            entry = hashlib.blake2b(key + b"=" + value, digest_size=16).digest()
            digest = (digest + int.from_bytes(entry, "big")) % 2**128
            count += 1
    print(count, f"{digest:032x}")


main()
