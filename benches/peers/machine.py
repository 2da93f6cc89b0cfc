"""What a figure depends on beside the code."""

import datetime
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def facts(packages):
    """The day, the processor, the commit, and the versions of some packages."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    changed = subprocess.run([*git, "status", "--porcelain", "src"], capture_output=True, text=True)
    return {
        "date": datetime.date.today().isoformat(),
        "processor": names[0] if names else platform.processor(),
        "cores": len(names),
        "commit": head.stdout.strip() + ("+" if changed.stdout.strip() else ""),
        "versions": {package: version(package) for package in packages},
        "python": platform.python_version(),
    }
