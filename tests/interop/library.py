# SPDX-License-Identifier: MIT OR Apache-2.0
"""libciba by its C ABI: include/ciba.h as ctypes tells it, as much of it as the suites need."""

import ctypes
import json
import os
import pathlib
import traceback
from ctypes import POINTER, byref, c_char_p, c_int32, c_int64, c_size_t, c_uint8, c_void_p

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PATH = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "libciba.so"
PLACE = POINTER(c_void_p)
DEBUG = 4

LOG = ctypes.CFUNCTYPE(None, c_void_p, c_int32, c_char_p, c_char_p, c_char_p, c_int64)
OCTETS = POINTER(c_uint8)
SIGNER = ctypes.CFUNCTYPE(
    c_int32, c_void_p, c_char_p, c_char_p, OCTETS, c_size_t, OCTETS, c_size_t, POINTER(c_size_t)
)  # fmt: skip

# Name: what it returns, what it takes.
FUNCTIONS = {
    "status_name": (c_char_p, c_int32),
    "error_free": (None, c_void_p),
    "error_status": (c_int32, c_void_p),
    "error_message": (c_char_p, c_void_p),
    "error_oauth_error": (c_char_p, c_void_p),
    "error_http_status": (c_int32, c_void_p),
    "config_new": (c_void_p,),
    "config_free": (None, c_void_p),
    "config_set": (c_int32, c_void_p, c_char_p, c_char_p, PLACE),
    "config_set_log": (c_int32, c_void_p, c_int32, LOG, c_void_p, c_void_p, PLACE),
    "config_set_signer": (c_int32, c_void_p, SIGNER, c_void_p, c_void_p, PLACE),
    "client_new": (c_int32, c_void_p, PLACE, PLACE),
    "client_free": (None, c_void_p),
    "request_new": (c_void_p,),
    "request_free": (None, c_void_p),
    "request_set": (c_int32, c_void_p, c_char_p, c_char_p, PLACE),
    "init": (c_int32, c_void_p, c_void_p, c_int64, PLACE, PLACE),
    "poll": (c_int32, c_void_p, c_int64, PLACE),
    "cancel": (c_int32, c_void_p, c_int64, PLACE),
    "free": (None, c_void_p),
    "flow_interval_ms": (c_int64, c_void_p),
    "flow_tokens": (c_int32, c_void_p, PLACE, PLACE),
    "tokens_free": (None, c_void_p),
    "tokens_get": (c_char_p, c_void_p, c_char_p, c_void_p),
    "tokens_claims": (c_char_p, c_void_p, c_void_p),
    "client_refresh": (c_int32, c_void_p, c_void_p, c_int64, PLACE, PLACE),
    "client_userinfo": (c_int32, c_void_p, c_void_p, c_int64, PLACE, PLACE),
    "client_introspect": (c_int32, c_void_p, c_void_p, c_char_p, c_int64, PLACE, PLACE),
    "client_revoke": (c_int32, c_void_p, c_void_p, c_char_p, c_int64, PLACE),
    "answer_json": (c_char_p, c_void_p, c_void_p),
    "answer_free": (None, c_void_p),
    "notification_deliver": (
        c_int32, c_void_p, c_char_p, c_char_p, c_char_p, c_char_p, c_size_t, PLACE, PLACE,
    ),
    "notification_status": (c_int32, c_void_p),
    "notification_http_status": (c_int32, c_void_p),
    "notification_free": (None, c_void_p),
}  # fmt: skip


def load():
    library = ctypes.CDLL(str(PATH))
    functions = {}
    for name, (result, *arguments) in FUNCTIONS.items():
        function = getattr(library, f"ciba_{name}")
        function.restype, function.argtypes = result, arguments
        functions[name] = function
    return functions


C = load()


class Failure(Exception):
    """What a call ended with instead of OK: the status by its name, and what the provider called it."""

    def __init__(self, status, message="", oauth_error=None, http_status=-1):
        super().__init__(f"{status}: {message}")
        self.status, self.oauth_error, self.http_status = status, oauth_error, http_status


def text(value):
    return None if value is None else value.decode()


def status_name(status):
    return text(C["status_name"](status)).removeprefix("CIBA_")


def call(name, *arguments):
    """One call that may fail; its status is 0, or else a Failure."""
    err = c_void_p()
    status = C[name](*arguments, byref(err))
    if status == 0:
        return
    try:
        raise Failure(
            status_name(status),
            text(C["error_message"](err)),
            text(C["error_oauth_error"](err)),
            C["error_http_status"](err),
        )
    finally:
        C["error_free"](err)


def made(name, *arguments):
    """The handle that a call makes."""
    handle = c_void_p()
    call(name, *arguments, byref(handle))
    return handle


def signer(sign):
    def callback(_, algorithm, key_id, octets, length, signature, room, signature_length):
        try:
            made = sign(ctypes.string_at(octets, length), text(algorithm), text(key_id))
        except Exception:  # must not cross the border to C
            traceback.print_exc()
            return 1
        if len(made) > room:
            return 2
        ctypes.memmove(signature, made, len(made))
        signature_length[0] = len(made)
        return 0

    return SIGNER(callback)


class Object:
    """A handle that is freed with its object."""

    def __init__(self, handle, free):
        self.handle, self._free = handle, C[free]

    def __del__(self):
        if hasattr(self, "_free"):  # not where it could not be made
            self._free(self.handle)


class Client(Object):
    """A client with these settings; `events` is what it logged: names, texts, and when, in ms. `sign(bytes, algorithm,
    key_id)`, where it is given, signs in place of a key of the library's."""

    def __init__(self, settings, sign=None):
        self.events = []
        # Has to live as long as the client.
        self._log = LOG(lambda _, level, event, said, __, ms: self.events.append((text(event), text(said), ms)))
        config = C["config_new"]()
        try:
            for name, value in settings.items():
                call("config_set", config, name.encode(), value.encode())
            call("config_set_log", config, DEBUG, self._log, None, None)
            if sign:
                self._sign = signer(sign)  # has to live as long, too
                call("config_set_signer", config, self._sign, None, None)
            super().__init__(made("client_new", config), "client_free")
        finally:
            C["config_free"](config)

    def init(self, parameters, timeout_ms):
        request = C["request_new"]()
        try:
            for name, value in parameters.items():
                call("request_set", request, name.encode(), value.encode())
            return Flow(self, made("init", self.handle, request, timeout_ms))
        finally:
            C["request_free"](request)

    def refresh(self, tokens, timeout_ms):
        return Tokens(made("client_refresh", self.handle, tokens.handle, timeout_ms))

    def userinfo(self, tokens, timeout_ms):
        return answer(made("client_userinfo", self.handle, tokens.handle, timeout_ms))

    def introspect(self, tokens, token, timeout_ms):
        return answer(made("client_introspect", self.handle, tokens.handle, token.encode(), timeout_ms))

    def revoke(self, tokens, token, timeout_ms):
        call("client_revoke", self.handle, tokens.handle, token.encode(), timeout_ms)

    def deliver(self, method, headers, body):
        """The HTTP status that the provider is to get, and what the notification was, by its status' name."""
        header = lambda name: headers[name].encode() if name in headers else None  # noqa: E731
        handle = made(
            "notification_deliver", self.handle, method.encode(), header("Authorization"), header("Content-Type"),
            body, len(body),
        )  # fmt: skip
        try:
            return C["notification_http_status"](handle), status_name(C["notification_status"](handle))
        finally:
            C["notification_free"](handle)


class Flow(Object):
    def __init__(self, client, handle):
        super().__init__(handle, "free")
        self.client = client

    def poll(self, timeout_ms):
        """The tokens, or a Failure; `PENDING` when the time is up."""
        call("poll", self.handle, timeout_ms)
        return Tokens(made("flow_tokens", self.handle))

    def cancel(self, timeout_ms):
        call("cancel", self.handle, timeout_ms)

    def interval_ms(self):
        return C["flow_interval_ms"](self.handle)


class Tokens(Object):
    def __init__(self, handle):
        super().__init__(handle, "tokens_free")

    def get(self, name):
        return text(C["tokens_get"](self.handle, name.encode(), None))

    def claims(self):
        return json.loads(text(C["tokens_claims"](self.handle, None)) or "{}")


def answer(handle):
    try:
        return json.loads(C["answer_json"](handle, None))
    finally:
        C["answer_free"](handle)
