# SPDX-License-Identifier: MIT OR Apache-2.0
"""The programs that poll from other languages, made ready to run.

Each function returns their commands by name. What it needs and cannot be had is an Absent; a
binding that does not compile is an error.
"""

import os
import pathlib
import subprocess
import sys
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import tools  # noqa: E402

BENCHES = ROOT / "benches"
PACKAGES = ["maturin>=1.16,<2", "requests", "httpx"]


class Absent(Exception):
    """Something that the language needs is missing."""


def need(*names):
    missing = tools.need(names)
    if missing:
        raise Absent(f"{', '.join(missing.values())} missing")


def python(place):
    """The Python binding with polls due at once, and what it is compared with, in an environment of their own."""
    need("venv")
    programs = place / "environment" / "bin"
    if not (programs / "pip").exists():
        venv.create(programs.parent, with_pip=True)
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")},
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        # A workspace with a profile of its own: in one folder the two would write to the same files.
        "CARGO_TARGET_DIR": str(place / "python"),
        "MATURIN_PEP517_ARGS": "--features ciba/bench-without-interval",
    }
    pip = [programs / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    if subprocess.run([*pip, *PACKAGES], env=environment, check=False).returncode:
        raise Absent(f"{', '.join(PACKAGES)} cannot be installed")
    install = [*pip, "--no-build-isolation", "--no-deps", ROOT / "bindings" / "python"]
    subprocess.run(install, env=environment, check=True)
    names = ("poll_python", "poll_requests", "poll_httpx")
    return {name: [programs / "python", "-E", BENCHES / f"{name}.py"] for name in names}


def dotnet(place):
    """The .NET binding; its native library is the one that the caller lets it find."""
    need("mcs", "mono", "mono-devel")
    program = place / "poll_csharp.exe"
    compiler = ["mcs", "-langversion:7.2", "-unsafe", "-optimize", f"-out:{program}"]
    subprocess.run([*compiler, "PollCiba.cs", "../bindings/dotnet/Ciba/*.cs"], cwd=BENCHES, check=True)
    return {"poll_csharp": ["mono", program]}
