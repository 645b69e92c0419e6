"""`make dev`: Dagster's UI and daemon, MLflow's UI and the report site, side by side until Ctrl-C."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from orchestration.resources import ROOT, prepare_home

DAGSTER_PORT, MLFLOW_PORT, SITE_PORT = 3000, 5000, 8000


def main() -> None:
    """Start the four servers on loopback and stop all of them when one ends."""
    settings = prepare_home()
    tools = Path(sys.executable).parent
    site = settings.publish / "site"
    site.mkdir(parents=True, exist_ok=True)
    commands = [
        [tools / "dagster-webserver", "-h", "127.0.0.1", "-p", DAGSTER_PORT, "-w", ROOT / "workspace.yaml"],
        [tools / "dagster-daemon", "run", "-w", ROOT / "workspace.yaml"],
        [tools / "mlflow", "server", "--host", "127.0.0.1", "--port", MLFLOW_PORT, "--workers", "1",
         "--backend-store-uri", settings.tracking_uri, "--default-artifact-root", settings.artifacts],
        [sys.executable, "-m", "http.server", SITE_PORT, "--bind", "127.0.0.1", "--directory", site],
    ]  # fmt: skip
    print(
        f"Dagster http://127.0.0.1:{DAGSTER_PORT}  MLflow http://127.0.0.1:{MLFLOW_PORT}  report http://127.0.0.1:{SITE_PORT}"
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    servers = [subprocess.Popen([str(word) for word in command], cwd=ROOT) for command in commands]
    try:
        while all(server.poll() is None for server in servers):
            time.sleep(1)
    except KeyboardInterrupt:
        print("stopping")
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait(timeout=30)


if __name__ == "__main__":
    main()
