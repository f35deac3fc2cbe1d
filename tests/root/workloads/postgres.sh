#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# PostgreSQL with four clients that change balances over TCP, for ever. READY when they do; CLIENTS
# ENDED, which never must be said, with what pgbench said.
set -eu
bin=$(echo /usr/lib/postgresql/*/bin)
mkdir -p /var/lib/reprise-pg /run/postgresql
chown postgres /var/lib/reprise-pg /run/postgresql
as_postgres() { su postgres -s /bin/sh -c "PATH=$bin:\$PATH; $1"; }
as_postgres 'initdb -A trust -D /var/lib/reprise-pg/data >/tmp/initdb.log'
as_postgres 'pg_ctl -w -D /var/lib/reprise-pg/data -l /tmp/postgres.log -o "-c fsync=off" start >/tmp/start.log'
as_postgres 'pgbench -q -i -s 2 postgres 2>/tmp/init.log'
as_postgres 'psql -qAt -c "truncate pgbench_history" postgres'
as_postgres 'pgbench -h 127.0.0.1 -n -c 4 -j 2 -T 100000 --rate 200 postgres >/tmp/pgbench.log 2>&1' &
until [ "$(as_postgres 'psql -qAt -c "select count(*) from pgbench_history" postgres')" -gt 50 ]; do :; done
echo READY
wait
echo "CLIENTS ENDED $(tail -3 /tmp/pgbench.log | tr '\n' ' ')"
exec sleep infinity
