"""How every client of ours reaches the outside: the same proxy, the same certificates, the same words.

The libraries differ: requests reads its own variables and brings its own certificates, Slack's SDK sends
everything through HTTPS_PROXY and knows no exceptions. So what the standard variables say is read here, once,
for all of them (docs/decisions/0014-starting.md):

* `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, in upper or lower case
* `SSL_CERT_FILE`, `SSL_CERT_DIR`: the authorities to trust instead of the system's
"""

from __future__ import annotations

import errno
import functools
import ipaddress
import os
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
VARIABLES = (*PROXIES, "NO_PROXY", *CERTIFICATES)
_BEHIND = {"ws": "http", "wss": "https"}  # a websocket goes the way of the scheme it begins with
_SDK_NOT_CONNECTED = re.compile(
    r"Failed to connect to the proxy .*status code: (\d+)"
)  # shows its password too
_CHAIN = ("reason", "original_error", "__cause__", "__context__")  # where libraries keep what went wrong


def adopt(env: Mapping[str, str]) -> None:
    """Take the variables from `env` that the process lacks: those in `.env` count like any other setting."""
    for name in (*VARIABLES, *map(str.lower, VARIABLES)):
        if env.get(name, "").strip() and name not in os.environ:
            os.environ[name] = env[name]


def problems() -> list[str]:
    """One sentence for each variable that cannot be used; none of them shows a proxy's password."""
    found = [f"{name} {words}" for name in PROXIES if (words := _proxy_problem(_variable(name)))]
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if folder and not any(os.path.isdir(each) for each in folder.split(os.pathsep)):  # noqa: PTH112
        found.append("SSL_CERT_DIR is not a folder.")
    if file:
        try:
            ssl.create_default_context(cafile=file)
        except ssl.SSLError:
            found.append("SSL_CERT_FILE holds no certificate that can be read; it must be in PEM form.")
        except OSError as error:
            found.append(f"SSL_CERT_FILE cannot be read ({error.strerror}).")
    return found


@functools.cache
def tls_context() -> ssl.SSLContext:
    """For every TLS connection; made once, because loading all authorities takes milliseconds."""
    context = ssl.create_default_context()  # SSL_CERT_FILE, SSL_CERT_DIR, or the system's authorities
    paths = ssl.get_default_verify_paths()
    if paths.cafile is None and paths.capath is None:  # a system without any
        with suppress(ImportError):
            import certifi  # noqa: PLC0415 - rarely needed

            context.load_verify_locations(certifi.where())
    return context


def proxy_for(url: str) -> str | None:
    """The proxy for this address, as `http://[user:password@]host:port`; None to connect directly."""
    parts = urlsplit(url)
    scheme = _BEHIND.get(parts.scheme, parts.scheme)
    proxies = getproxies()
    proxy = (proxies.get(scheme) or proxies.get("all") or "").strip()
    if not proxy or _is_exempt(parts.hostname or "", parts.port):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def host_of(url: str) -> str:
    """The host that a connection to this address begins at: its proxy's, if it has one."""
    return urlsplit(proxy_for(url) or url).hostname or ""


def problem_words(error: BaseException, url: str) -> str | None:
    """What went wrong on the way to `url`, in words; None if it is nothing that a network does.

    Libraries wrap the system's errors several times; the innermost one says what happened.
    """
    chain = list(_causes(error))
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = str(cause.verify_message or "").strip() or "not trusted"
            return (
                f"the certificate of {urlsplit(url).hostname} cannot be verified ({why}); "
                "set SSL_CERT_FILE if a company proxy inspects TLS"
            )
    for cause in chain:
        if isinstance(cause, ssl.SSLError):
            return f"TLS with {urlsplit(url).hostname} failed ({getattr(cause, 'reason', None) or cause})"
        if isinstance(cause, socket.gaierror):
            if cause.errno == socket.EAI_AGAIN:
                return f"the name {host_of(url)} cannot be looked up right now"
            return f"no such host: {host_of(url)}"
        if isinstance(cause, OSError) and str(cause).startswith("Tunnel connection failed"):
            return f"the proxy {host_of(url)} does not connect us: {str(cause).partition(': ')[2]}"
        if status := _SDK_NOT_CONNECTED.search(str(cause)):
            return f"the proxy {host_of(url)} does not connect us: status {status.group(1)}"
        if isinstance(cause, OSError) and cause.errno == errno.ECONNREFUSED and proxy_for(url):
            return f"the proxy {host_of(url)} cannot be reached: {cause.strerror}"
        if isinstance(cause, TimeoutError):
            return "timed out"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and everything it was raised from, each once."""
    waiting, seen = [error], set()
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [getattr(each, name, None) for name in _CHAIN]
            waiting += [inner for inner in each.args if isinstance(inner, BaseException)]


def _variable(name: str) -> str:
    return (os.environ.get(name.lower()) or os.environ.get(name) or "").strip()


def _proxy_problem(proxy: str) -> str | None:
    if not proxy:
        return None
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None:
        return "has a host or port that cannot be read; write http://proxy.example.com:3128."
    if parts.scheme != "http":  # Slack's SDK knows no other, and two ways out would be two truths
        return f"begins with {parts.scheme}://; only a proxy at http:// works, for TLS traffic too."
    return None


def _is_exempt(host: str, port: int | None) -> bool:
    """Whether NO_PROXY names this host: by name, by the end of its name, with a port, or by a network.

    This machine always is: through a proxy, plain http would carry passwords over the network, and the proxy
    would connect to its own machine instead.
    """
    if host == "localhost" or proxy_bypass(host) or (port is not None and proxy_bypass(f"{host}:{port}")):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if address.is_loopback:
        return True
    for entry in _variable("NO_PROXY").split(","):
        with suppress(ValueError):  # a name
            if address in ipaddress.ip_network(entry.strip(), strict=False):
                return True
    return False
