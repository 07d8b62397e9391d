"""nginx at the peer's end of a wire."""
import time
from pathlib import Path

from network import LINUX, Wire

CONFIG = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  server {{
    {listeners}
    {locations}
  }}
}}
"""


def start_nginx(wire: Wire, folder: Path, locations: str, ports: tuple[int, ...] = (80,),
                address: str = LINUX) -> None:
    """Starts it with these locations, and waits until it listens. It ends with the wire."""
    listeners = " ".join(f"listen {address}:{port} backlog=4096;" for port in ports)
    config = folder / "nginx.conf"
    config.write_text(CONFIG.format(folder=folder, listeners=listeners, locations=locations))
    wire.peer.start("nginx", "-e", f"{folder}/error.log", "-p", str(folder), "-c", str(config))
    while not wire.peer.sockets("listening"):
        time.sleep(0.02)
