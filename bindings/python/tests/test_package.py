# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is installed: one vocabulary, documented, typed, and nothing exported."""

import ast
import ctypes
import importlib.metadata
import importlib.resources
import inspect
import pathlib
import re
import sys

import pytest

import ciba
import ciba.aio
from ciba import _ciba
from conftest import ROOT

PACKAGE = pathlib.Path(ciba.__file__).parent


def test_the_version_is_the_librarys():
    text = (ROOT / "Cargo.toml").read_text()
    assert ciba.__version__ == importlib.metadata.version("ciba") == re.search(r'(?m)^version = "(.+)"', text)[1]


def test_it_is_typed():
    assert (PACKAGE / "py.typed").exists() and (PACKAGE / "_ciba.pyi").exists()


def stub_keywords(name):
    """The names in a TypedDict of the stub."""
    for node in ast.parse((PACKAGE / "_ciba.pyi").read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return [line.target.id for line in node.body]


def test_the_stub_knows_every_setting_and_parameter_in_the_tables_order():
    # What has a dot is a member of a dict.
    for keywords, rows in (("_Settings", ciba.SETTINGS), ("_Parameters", ciba.PARAMETERS)):
        names = dict.fromkeys(row.name.split(".")[0] for row in rows)
        assert stub_keywords(keywords) == [name for name in names if name != "provider"]
    assert {"client_secret", "poll_timeout_ms"} <= {row.name for row in ciba.SETTINGS}
    assert all(row.text for row in (*ciba.SETTINGS, *ciba.PARAMETERS))


def test_everything_public_is_documented():
    missing = []
    for module in (ciba, ciba.aio, _ciba):
        assert module.__doc__
        for name in getattr(module, "__all__", dir(module)):
            thing = getattr(module, name)
            if not isinstance(thing, type) or name.startswith("_"):
                continue
            members = [member for member in vars(thing) if not member.startswith("_")]
            documented = [thing, *(inspect.getattr_static(thing, member) for member in members)]
            missing += [f"{name}: {one}" for one in documented if callable(one) or isinstance(one, property) if not one.__doc__]
    assert missing == []


def test_signatures_can_be_read():
    if sys.version_info >= (3, 10):  # before, Python reads none of a class of the stable ABI
        assert str(inspect.signature(ciba.Client)) == "(provider=None, *, log=None, signer=None, **settings)"
    assert str(inspect.signature(ciba.Flow.poll)) == "(self, /, timeout=None, on_progress=None)"


def test_all_is_complete():
    public = {name for name, value in vars(ciba).items() if not name.startswith("_") and not inspect.ismodule(value)}
    assert public - {"NamedTuple", "Tuple"} | {"__version__"} == set(ciba.__all__)
    for name in ciba.__all__:
        if isinstance(getattr(ciba, name), type):
            assert getattr(ciba, name).__module__ == "ciba"


def test_the_module_exports_no_function_of_the_c_abi():
    library = ctypes.CDLL(_ciba.__file__)
    assert hasattr(library, "PyInit__ciba")
    for name in set(re.findall(r"\bciba_\w+(?=\()", (ROOT / "include" / "ciba.h").read_text())):
        assert not hasattr(library, name), name


@pytest.mark.parametrize("name", ["init", "poll", "step", "cancel", "check"])
def test_the_verbs_are_those_of_the_c_header(name):
    assert hasattr(ciba.Client, name) or hasattr(ciba.Flow, name)
    assert re.search(rf"\bciba_(client_)?{name}\(", (ROOT / "include" / "ciba.h").read_text())


def test_objects_can_be_referred_to_weakly_and_are_freed(provider):
    import gc
    import weakref

    client = provider.client()
    flow = client.init(login_hint="alice", binding_message="approve after 0 s")
    references = [weakref.ref(thing) for thing in (client, flow, flow.poll())]
    del client, flow
    gc.collect()
    assert [reference() for reference in references] == [None] * 3
