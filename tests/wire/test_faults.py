"""A bad wire, made by the server's own fault port: what arrives has to be right all the same."""
import threading

import pytest
from mayfly import MEGABYTE
from test_services import receive_all, send_and_close
from tools import URL, ab, curl, octets, sha256

FAULTS = {
    "loss": {"loss": "1%"},
    "duplicates": {"duplicate": "2%"},
    "corruption": {"corrupt": "1%"},
    "reordering": {"reorder": "2%"},
    "delay": {"delay": "2ms"},
    "everything": {"loss": "0.5%", "duplicate": "0.5%", "corrupt": "0.5%", "reorder": "1%"},
}


@pytest.mark.time_limit(60)
@pytest.mark.parametrize("faults", FAULTS)
def test_twenty_megabytes_arrive_unharmed_in_spite_of(wire, serve, tmp_path, faults):
    www = tmp_path / "www"
    www.mkdir()
    (www / "random.bin").write_bytes(octets(20 * MEGABYTE))
    serve({"http": {"routes": [{"path": "/files/", "folder": str(www)}]}},
          port={"faults": FAULTS[faults] | {"seed": 7}})
    curl(wire.peer, "-o", str(tmp_path / "copy"), URL + "files/random.bin", timeout=50)
    assert sha256(tmp_path / "copy") == sha256(www / "random.bin")


@pytest.mark.time_limit(60)
def test_uploads_over_a_bad_wire_are_echoed_unharmed(wire, serve):
    text = octets(2 * MEGABYTE)
    serve(port={"faults": FAULTS["everything"]})
    with wire.peer.connect(7) as connection:
        connection.settimeout(50)
        sender = threading.Thread(target=send_and_close, args=(connection, text))
        sender.start()
        echoed = receive_all(connection)
        sender.join()
    assert echoed == text


@pytest.mark.time_limit(60)
def test_short_connections_over_a_lossy_wire_all_complete(wire, serve):
    server = serve(port={"faults": {"loss": "1%", "duplicate": "1%", "reorder": "1%", "seed": 3}})
    counts = ab(wire.peer, "-n", "2000", "-c", "50")
    assert (counts["Complete requests"], counts["Failed requests"]) == (2_000, 0)
    report = server.stop()
    assert report["drops"]["fault_injected"] > 0
