"""The units under systemd itself: started, watched, reloaded, restarted, stopped, with all that
they forbid the server."""
import json
import re
from collections.abc import Iterator

import pytest
from mayfly import BINARY, ROOT, serve_settings
from network import SERVER
from systemd import Machine, why_none
from tools import eventually

WEB = "mayfly@web"

pytestmark = pytest.mark.skipif(why_none() is not None, reason=str(why_none()))


@pytest.fixture
def machine(tmp_path) -> Iterator[Machine]:
    units = ROOT / "conf/systemd"
    settings = serve_settings("net_af_packet0,iface=veth0", {"hugepages": "never"})
    unit = (units / "mayfly@.service").read_text()
    assert "WatchdogSec=10s" in unit
    files = {"/usr/bin/mayfly": BINARY,
             "/etc/systemd/system/mayfly-hugepages.service": units / "mayfly-hugepages.service",
             "/etc/systemd/system/mayfly@.service": unit.replace("WatchdogSec=10s",
                                                                 "WatchdogSec=3s"),
             # As many as there are: they are the whole machine's.
             "/etc/default/mayfly": "MAYFLY_HUGEPAGES=0\n",
             "/etc/mayfly/web.yaml": json.dumps(settings),
             "/etc/mayfly/wrong.yaml": json.dumps(settings | {"listen": [{"port": 0}]})}
    with Machine(tmp_path / "machine", files) as made:
        for words in ("link add veth0 type veth peer name peer0",
                      "addr add 198.18.0.2/15 dev peer0", "link set veth0 up", "link set peer0 up"):
            made.run("ip", *words.split())
        made.run("ethtool", "-K", "peer0", "tx", "off", "tso", "off", "gso", "off", "gro", "off")
        yield made


def get(machine: Machine) -> str:
    return machine.run("curl", "--silent", "--show-error", "--max-time", "5", f"http://{SERVER}/")


@pytest.mark.time_limit(240)
def test_a_server_lives_under_systemd_from_its_start_to_its_stop(machine):
    machine.run("systemctl", "start", WEB)
    assert machine.show(WEB, "NRestarts") == "0", "it was ready at the first try"
    assert machine.show(WEB, "StatusText").startswith("port 80 http")
    assert machine.show("mayfly-hugepages", "Result") == "success"
    assert get(machine) == "hello, mayfly\n"
    assert machine.run("mayfly", "ctl", "health").strip() == "healthy, ready"
    first = machine.show(WEB, "MainPID")
    held = re.search(r"CapPrm:\s+(\w+)", machine.run("cat", f"/proc/{first}/status"))[1]
    assert int(held, 16) == 0, "no capabilities any more"

    fed = machine.show(WEB, "WatchdogTimestampMonotonic")
    eventually(lambda: machine.show(WEB, "WatchdogTimestampMonotonic") != fed, 10)
    machine.run("systemctl", "reload", WEB)
    assert get(machine) == "hello, mayfly\n"
    assert machine.show(WEB, "MainPID") == first

    machine.run("kill", "-STOP", first)  # it hangs: the watchdog ends it, and another begins
    eventually(lambda: machine.show(WEB, "NRestarts") == "1"
               and machine.show(WEB, "SubState") == "running", 40)
    assert machine.show(WEB, "MainPID") != first
    assert get(machine) == "hello, mayfly\n"

    machine.run("systemctl", "stop", WEB)
    assert machine.show(WEB, "Result") == "success"
    assert machine.show(WEB, "ExecMainStatus") == "0"


@pytest.mark.time_limit(120)
def test_a_wrong_configuration_is_not_tried_again(machine):
    assert machine.ask("systemctl", "start", "mayfly@wrong").returncode != 0
    assert machine.show("mayfly@wrong", "ExecMainStatus") == "2"
    assert machine.show("mayfly@wrong", "NRestarts") == "0"
    assert machine.show("mayfly@wrong", "ActiveState") == "failed"
