"""What every tier shares: what takes minutes is told as it happens; coverage stands above pytest's last line."""

import os
import subprocess
import sys

import pytest

from tests.cluster import binaries


def pytest_configure(config: pytest.Config) -> None:
    capture = config.pluginmanager.getplugin("capturemanager")

    def announce(sentence: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n[cluster] {sentence}", file=sys.stderr, flush=True)

    if capture is not None:
        binaries.announce = announce


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The total over this process and all that the tests started; pytest-cov has combined what was there by then."""
    if not config.getoption("cov_source", default=None) or "COVERAGE_FILE" not in os.environ:
        return
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "combine", "--quiet", "--append"], capture_output=True)
    total = subprocess.run([*coverage, "report", "--format=total"], capture_output=True, text=True)
    if total.returncode == 0:
        terminalreporter.section("coverage of watership and watership_operator")
        terminalreporter.line(f"{total.stdout.strip()} % of lines and branches; more: .venv/bin/coverage report")
