# SPDX-License-Identifier: Apache-2.0
"""What programs set up in their container's network: firewall, links, addresses, routes and rules."""
import pytest
from harness import host
from harness.counting import assert_moves_on, assert_resumes
from harness.leftovers import assert_nothing_left
from harness.waiting import wait_for

pytestmark = pytest.mark.requires("root", "criu", "podman")

# Bound to a link that it made: by its name, and by its number.
PROGRAM = """
ip link add lower type bridge && ip link add br7 type bridge && ip link set br7 up
python3 -u -c '
import socket, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("br7", 0x88b5))
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"br7")
u.bind(("0.0.0.0", 7777))
print("BOUND", flush=True)
time.sleep(1e9)' &
exec python3 -u /workloads/counter.py
"""
COMMANDS = """
ip link add va type veth peer name vb && ip link set va master br7 up && ip link set vb mtu 1400 up
ip link set eth0 mtu 1450 promisc on txqueuelen 77
ip neighbour add proxy 10.77.1.10 dev br7
ip address add 10.77.0.1/32 dev lo
ip address add 10.77.1.1/24 dev br7
ip address add fd00:77::1/64 dev br7
ip address add fe80::1/64 dev br7
ip address add 10.88.199.7/32 dev eth0
ip route add blackhole 203.0.113.0/24
ip -6 route add blackhole 2001:db8::/32
ip route add 198.51.100.0/24 via 10.77.1.2 table 77
ip route delete default
ip rule add fwmark 7 table 77
own=$(ip -4 -brief address show dev eth0 | grep -o '10[.]88[.][0-9.]*' | head -1)
ip route add 198.18.0.0/24 via 10.88.0.1 src $own
ip rule add from $own table 78
ip -6 rule add fwmark 7 table 77
ip neighbour add 10.77.1.9 lladdr 02:00:00:00:00:09 dev br7 nud permanent
nft 'add table inet killswitch'
nft 'add set inet killswitch allowed { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }'
nft 'add chain inet killswitch out { type filter hook output priority 0; policy drop; }'
nft 'add rule inet killswitch out oifname "lo" accept'
nft 'add rule inet killswitch out ip daddr @allowed counter accept'
nft 'add table ip nat'
"""
SEEN = """
nft -s list ruleset
ip -brief address show dev lo; ip -brief address show dev br7; ip address show dev eth0 | grep -w 10.88.199.7
ip route show table all type blackhole; ip -6 route show type blackhole; ip route show table 77
ip route show default; ip rule; ip -6 rule; ip neighbour show nud permanent
ip -brief link show type bridge; ip link show dev vb | grep -o 'mtu [0-9]*'
ip link show dev eth0 | grep -oE 'mtu [0-9]+|PROMISC|qlen [0-9]+'
ip neighbour show proxy
ip route show 198.18.0.0/24 | grep -o 'src.*'
ip link show dev va | grep -o 'master [a-z0-9]*'
ip -oneline link show dev br7 | cut -d: -f1
"""


def inside(container, script):
    done = host.run("nsenter", f"--net=/proc/{container.pid}/ns/net", "sh", "-ec", script)
    assert done.returncode == 0, done.stderr
    return done.stdout


def setup_of(container):
    # What the kernel gives a link follows from the address that it had when it was set up; and the
    # container may have got another address, which is what its program means.
    own = container.address()
    return [["OWN" if word == own else word for word in line.split()
             if word == "fe80::1/64" or not word.startswith("fe80:")]
            for line in inside(container, SEEN.replace("; ", "\n")).splitlines()]


def test_is_there_again(container, product):
    """All of it was gone without a word, a kill switch as well; a program bound to a link that it had
    made ended for ever."""
    container.run("sh", "-c", PROGRAM, options=("--cap-add", "NET_ADMIN", "--cap-add", "NET_RAW"))
    container.wait_for_line("BOUND")
    inside(container, COMMANDS)
    before = setup_of(container)
    assert "what programs set up in it is saved" in product.reprise("doctor", container.name).stdout
    for _ in range(2):
        container.stop()
        assert_resumes(container)
        assert setup_of(container) == before
        assert_nothing_left(container)
    assert len([line for line in container.lines() if line == "BOUND"]) == 1


def test_addresses_that_were_removed_stay_away(container):
    """Those of Podman were back beside what the program had set in their place."""
    seen = "ip -brief -4 address show dev eth0 | cut -d' ' -f2-; ip route; ip link show dev eth0 | grep -o 'ether [^ ]*'"
    container.run_workload("counter.py", options=("--cap-add", "NET_ADMIN"))
    inside(container, "ip address flush dev eth0; ip address add 10.88.199.8/16 dev eth0;"
                      "ip address add 10.88.199.9/16 dev eth0; ip route add default via 10.88.0.1 metric 7;"
                      "ip link set dev eth0 address 02:00:00:00:00:08")
    before = inside(container, seen)
    for _ in range(2):
        container.stop()
        assert_resumes(container)
        assert inside(container, seen) == before
        assert_nothing_left(container)


def test_is_refused_by_name_where_it_cannot_be_carried(container, product):
    container.run_workload("counter.py")
    inside(container, "ip tuntap add tun7 mode tun; ip address add 10.77.0.1/32 dev lo")
    told = product.reprise("doctor", container.name, check=False)
    assert told.returncode != 0
    assert "has the link 'tun7' of kind 'tun', which cannot be saved" in told.stdout
    made = product.reprise("checkpoint", "create", container.name, check=False)
    assert "the container's network has the link 'tun7' of kind 'tun'" in made.stderr
    assert_nothing_left(container)
    assert_moves_on(container)
    inside(container, "ip link delete tun7")
    product.reprise("checkpoint", "create", container.name)


def test_is_not_left_by_a_restore_that_failed(container, product):
    container.run_workload("counter.py", options=(
        "--cap-add", "NET_ADMIN", "--annotation", "reprise.dev/on-restore-failure=cold"))
    usual = inside(container, "ip rule; ip -brief link show type bridge; nft list tables; ip address show lo")
    inside(container, "ip rule add fwmark 7 table 77; ip link add br7 type bridge; nft add table ip x;"
                      "ip address add 10.77.0.1/32 dev lo; ip route add blackhole 203.0.113.0/24")
    container.stop()
    product.write_runtime(fault="restore-network:fail")
    container.start()
    wait_for(lambda: sum(line.startswith("READY") for line in container.lines()) == 2, 60, "a cold start")
    assert inside(container, "ip rule; ip -brief link show type bridge; nft list tables; ip address show lo") \
        == usual
    assert "203.0.113.0" not in inside(container, "ip route")
