"""``handover metrics``: the night for a team's own dashboards and alerts."""

from pathlib import Path
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry, start_http_server

from handover.cli.console import out, print_whole
from handover.cli.options import DEFAULT_CONFIG, ConfigOption, PortOption, ServeOption
from handover.cli.watch import stopping
from handover.config.config import load_config
from handover.errors import ConfigurationError
from handover.private_files import write_private
from handover.report.metrics import NightCollector, metrics_text

PORT = 9469


def metrics(
    config: ConfigOption = DEFAULT_CONFIG,
    to: Annotated[
        Path | None, typer.Option("--to", help="Write them to a file, for the textfile collector of node_exporter.")
    ] = None,
    serve: ServeOption = False,
    host: Annotated[str, typer.Option(help="With --serve: the address to listen on.")] = "127.0.0.1",
    port: PortOption = PORT,
) -> None:
    """Print the state of the move, the watch's verdicts and what waits, in the text format of Prometheus.

    Exit 1 when nothing can be read; the metrics say so as well.
    """
    collector = NightCollector(load_config(config))
    if not serve:
        text = metrics_text(collector)
        if to is None:
            print_whole(text, end="")
        else:
            _write(to, text)
        if collector.trouble:
            raise collector.trouble
        return
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    stop = stopping()
    try:
        server, thread = start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        message = f"{host}:{port} cannot be listened on: {error.strerror}. Name another: --port PORT"
        raise ConfigurationError(message) from error
    out.print(f"http://{host}:{server.server_port}/metrics")
    stop.wait()
    server.shutdown()
    thread.join()
    server.server_close()


def _write(path: Path, text: str) -> None:
    try:
        write_private(path, text)
        path.chmod(0o644)  # the collector is another account, and nothing in it is secret
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}. Nothing was written. Name another: --to FILE"
        raise ConfigurationError(message, code="HO630") from error
