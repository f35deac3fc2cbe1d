# SPDX-License-Identifier: Apache-2.0
"""SQLite with a rollback journal, its default: it refuses to write once a file's inode changes.

Moves money between accounts of one open database, in transactions of one second or less; prints
DONE N now and then, and ends with WRONG if money appears or vanishes, or SQLite complains.
"""
import sqlite3
import sys
import time

ACCOUNTS, EACH = 100, 1000

db = sqlite3.connect("/var/tmp/bank.db", isolation_level=None)
db.execute("pragma journal_mode=delete")
db.execute("create table account (id integer primary key, balance integer)")
db.executemany("insert into account values (?, ?)", [(i, EACH) for i in range(ACCOUNTS)])
print("READY", flush=True)
number = 0
while True:
    try:
        db.execute("begin immediate")
        db.execute("update account set balance = balance - 7 where id = ?", (number % ACCOUNTS,))
        time.sleep(0.02)  # so that most checkpoints are taken with a hot journal
        db.execute("update account set balance = balance + 7 where id = ?",
                   (number * 31 % ACCOUNTS,))
        db.execute("commit")
        [total] = db.execute("select sum(balance) from account").fetchone()
    except sqlite3.Error as error:
        sys.exit(f"WRONG {error}")
    if total != ACCOUNTS * EACH:
        sys.exit(f"WRONG {total}")
    number += 1
    print("DONE", number, flush=True)
