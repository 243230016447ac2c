# SPDX-License-Identifier: MIT OR Apache-2.0
# The native part. help(ciba.Client) and so on show what everything does.
from datetime import datetime
from os import PathLike
from types import TracebackType
from typing import Any, Callable, Dict, List, Literal, Mapping, Optional, Sequence, Tuple, Type, TypedDict, TypeVar, Union, final, overload

from typing_extensions import Self, Unpack

from ._errors import CibaError
from ._log import LogEvent
from ._progress import Progress
from ._status import Status

_T = TypeVar("_T")
_Token = Literal["access_token", "refresh_token"]
_Bytes = Union[bytes, bytearray, memoryview]
_Flag = Union[bool, str]
_Number = Union[int, str]
_Path = Union[str, "PathLike[str]"]
_Words = Union[str, List[str], Tuple[str, ...]]
_Value = Union[str, int, List[str], Tuple[str, ...], Mapping[str, Union[str, int, List[str], Tuple[str, ...]]]]

class _Settings(TypedDict, total=False):
    profile: str
    issuer: str
    client_id: str
    client_secret: str
    token_endpoint_auth_method: str
    token_endpoint_auth_signing_alg: str
    client_private_key: Union[str, Mapping[str, Any]]
    client_private_key_file: _Path
    client_key_id: str
    client_assertion_audience: str
    client_assertion_typ: str
    tls_client_certificate: str
    tls_client_certificate_file: _Path
    tls_client_key: str
    tls_client_key_file: _Path
    tls_client_password: str
    tls_client_certificate_bound_access_tokens: _Flag
    dpop_bound_access_tokens: _Flag
    dpop_signing_alg: str
    dpop_private_key: Union[str, Mapping[str, Any]]
    dpop_private_key_file: _Path
    dpop_public_key: Union[str, Mapping[str, Any]]
    backchannel_token_delivery_mode: str
    backchannel_client_notification_endpoint: str
    backchannel_authentication_request_signing_alg: str
    signed_request_audience: str
    signed_request_typ: str
    id_token_signed_response_alg: str
    id_token_encrypted_response_alg: str
    id_token_encrypted_response_enc: str
    client_decryption_key: Union[str, Mapping[str, Any]]
    client_decryption_key_file: _Path
    backchannel_authentication_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    introspection_endpoint: str
    revocation_endpoint: str
    mtls_endpoint_aliases: Mapping[str, str]
    mtls_endpoint_aliases_required: _Flag
    userinfo_signed_response_alg: str
    userinfo_encrypted_response_alg: str
    userinfo_encrypted_response_enc: str
    prepare_endpoint: str
    init_auth_endpoint: str
    cancel_endpoint: str
    backchannel_user_code_parameter: _Flag
    requested_expiry_parameter: str
    basic_credentials: str
    id_token_required: _Flag
    clock_tolerance_s: _Number
    allowed_hosts: _Words
    allow_http_loopback: _Flag
    ca_file: _Path
    ca_certificates: str
    ca_mode: str
    proxy: str
    proxy_username: str
    proxy_password: str
    proxy_exceptions: str
    connect_timeout_ms: _Number
    request_timeout_ms: _Number
    poll_timeout_ms: _Number
    max_answer_bytes: _Number
    saved_flow_keys: _Words
    saved_flow_unsealed: _Flag
    saved_flow_exclusive: _Flag
    log_file: _Path
    log_level: str

class _Parameters(TypedDict, total=False):
    scope: _Words
    login_hint: Union[str, Mapping[str, str]]
    login_hint_token: Union[str, Mapping[str, str]]
    login_hint_token_encoding: str
    id_token_hint: str
    acr_values: _Words
    binding_message: str
    user_code: str
    requested_expiry: _Number
    resource: _Words
    authorization_details: Union[str, Sequence[Mapping[str, Any]]]
    claims: Union[str, Mapping[str, Any]]
    request_context: Union[str, Mapping[str, Any]]
    extra: Mapping[str, str]
    prepare: Mapping[str, str]
    init_auth: Mapping[str, str]
    expected: Mapping[str, Union[_Words, _Number, _Flag, Mapping[str, Any], None]]
    correlation: str

__all__ = ["PARAMETERS", "SETTINGS", "STATUSES", "Answer", "Client", "Flow", "FlowSet", "Notification", "SavedFlow", "Tokens", "Watch", "__version__", "seconds"]

__version__: str
SETTINGS: Tuple[Tuple[str, str, str], ...]
PARAMETERS: Tuple[Tuple[str, str, str], ...]
STATUSES: Tuple[Tuple[str, int, str], ...]

def seconds(timeout: Optional[float]) -> float: ...
@final
class Client:
    def __new__(
        cls,
        provider: Optional[str] = None,
        *,
        log: Optional[Callable[[LogEvent], object]] = None,
        signer: Optional[Callable[[bytes, str, Optional[str]], bytes]] = None,
        **settings: Unpack[_Settings],
    ) -> Self: ...
    def check(self, timeout: Optional[float] = None) -> bool: ...
    def init(
        self,
        request: Optional[Mapping[str, _Value]] = None,
        timeout: Optional[float] = None,
        **parameters: Unpack[_Parameters],
    ) -> Flow: ...
    def binding_code(self, acr_values: Optional[_Words] = None) -> str: ...
    def resume(self, saved: Union[SavedFlow, _Bytes], context: str = "") -> Flow: ...
    def deliver_notification(
        self, method: str, authorization: Optional[str], content_type: Optional[str], body: _Bytes
    ) -> Notification: ...
    def restore_tokens(self, refresh_token: str, id_token: Optional[str] = None) -> Tokens: ...
    @overload
    def refresh(self, tokens: Tokens, timeout: None = None) -> Tokens: ...
    @overload
    def refresh(self, tokens: Tokens, timeout: Optional[float]) -> Optional[Tokens]: ...
    @overload
    def userinfo(self, tokens: Tokens, timeout: None = None) -> Answer: ...
    @overload
    def userinfo(self, tokens: Tokens, timeout: Optional[float]) -> Optional[Answer]: ...
    @overload
    def introspect(self, tokens: Tokens, token: _Token, timeout: None = None) -> Answer: ...
    @overload
    def introspect(self, tokens: Tokens, token: _Token, timeout: Optional[float]) -> Optional[Answer]: ...
    def revoke(self, tokens: Tokens, token: _Token, timeout: Optional[float] = None) -> bool: ...
    def close(self) -> None: ...
    @property
    def closed(self) -> bool: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_exception: Union[Type[BaseException], BaseException, TracebackType, None]) -> None: ...

@final
class Flow:
    @overload
    def poll(
        self,
        timeout: None = None,
        on_progress: Optional[Callable[[Progress], object]] = None,
    ) -> Tokens: ...
    @overload
    def poll(
        self,
        timeout: Optional[float],
        on_progress: Optional[Callable[[Progress], object]] = None,
    ) -> Optional[Tokens]: ...
    def step(self, timeout: Optional[float] = None) -> Optional[Tokens]: ...
    def cancel(self, timeout: Optional[float] = None) -> bool: ...
    def checkpoint(self, context: str = "") -> SavedFlow: ...
    def hand_over(self, context: str = "", timeout: Optional[float] = None) -> Optional[SavedFlow]: ...
    @property
    def revision(self) -> int: ...
    @property
    def outcome(self) -> Status: ...
    @property
    def tokens(self) -> Optional[Tokens]: ...
    @property
    def auth_req_id(self) -> Optional[str]: ...
    @property
    def acknowledgement(self) -> Optional[Dict[str, Any]]: ...
    @property
    def binding_message(self) -> Optional[str]: ...
    @property
    def authentication_uri(self) -> Optional[str]: ...
    @property
    def correlation(self) -> str: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def expires_at(self) -> Optional[datetime]: ...
    @property
    def next_poll_at(self) -> Optional[datetime]: ...
    @property
    def interval(self) -> Optional[float]: ...
    @property
    def progress(self) -> Progress: ...
    @property
    def trouble(self) -> Optional[CibaError]: ...
    def _watch(self, changed: Callable[[], object]) -> Watch: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_exception: Union[Type[BaseException], BaseException, TracebackType, None]) -> None: ...

@final
class Notification:
    @property
    def status(self) -> Status: ...
    @property
    def http_status(self) -> int: ...
    @property
    def kind(self) -> Optional[Literal["ping", "tokens", "error"]]: ...
    @property
    def auth_req_id(self) -> Optional[str]: ...

@final
class SavedFlow:
    def __bytes__(self) -> bytes: ...
    @property
    def revision(self) -> int: ...

@final
class FlowSet:
    def __new__(cls, client: Client) -> Self: ...
    def add(self, flow: Flow) -> None: ...
    def remove(self, flow: Flow) -> bool: ...
    def wait(self, timeout: Optional[float] = None) -> Optional[Flow]: ...
    def wake(self) -> None: ...
    def cancel(self) -> None: ...
    def fileno(self) -> int: ...
    def __len__(self) -> int: ...

@final
class Watch:
    def __enter__(self) -> Self: ...
    def __exit__(self, *_exception: Union[Type[BaseException], BaseException, TracebackType, None]) -> None: ...

@final
class Answer:
    @property
    def members(self) -> Dict[str, Any]: ...
    @property
    def json(self) -> str: ...
    def get(self, name: str, default: _T = ...) -> Union[Any, _T]: ...
    def __getitem__(self, name: str, /) -> Any: ...
    def __contains__(self, name: object, /) -> bool: ...

@final
class Tokens:
    @property
    def access_token(self) -> str: ...
    @property
    def id_token(self) -> Optional[str]: ...
    @property
    def refresh_token(self) -> Optional[str]: ...
    @property
    def token_type(self) -> str: ...
    @property
    def scope(self) -> Optional[str]: ...
    @property
    def expires_at(self) -> Optional[datetime]: ...
    @property
    def claims(self) -> Dict[str, Any]: ...
    def get(self, name: str, default: _T = ...) -> Union[Any, _T]: ...
    def __getitem__(self, name: str, /) -> Any: ...
    def __contains__(self, name: object, /) -> bool: ...
