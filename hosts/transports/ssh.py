from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import paramiko

from hosts.transports.base import Follower, HostUnreachable, Shell, TransportBroken
from hosts.transports.files import part_of
from hosts.transports.quoting import quoted
from hosts.transports.shell import MarkedShell
from hosts.transports.ssh_login import SshAddress, left_seconds, log_in

# sshd allows 10 sessions in one connection by default. Control shell, resident, follower, SFTP, and one to spare.
_MAX_CHANNELS = 5
_PIECE_BYTES = 32768
_REQUESTS_AHEAD = 64
# What paramiko says, as an OSError without a number, of a channel whose other end is gone.
_CHANNEL_CLOSED = "Socket is closed"


@contextlib.contextmanager
def _broken_as_os_error() -> Iterator[None]:
    """To receive is also to send (of the window): a connection that just broke says so as an EOFError."""
    try:
        yield
    except (EOFError, paramiko.SSHException) as problem:
        raise OSError(f"the connection ended ({problem!r})") from problem


class _ChannelStream:
    def __init__(self, channel: paramiko.Channel, *, transport: SshTransport) -> None:
        self._channel = channel
        self._transport = transport

    def fileno(self) -> int:
        return self._channel.fileno()

    def send_some(self, data: memoryview, *, deadline: float) -> int:
        self._channel.settimeout(left_seconds(deadline))
        with _broken_as_os_error():
            return self._channel.send(bytes(data[:_PIECE_BYTES]))

    def receive_some(self, *, deadline: float) -> bytes:
        self._channel.settimeout(left_seconds(deadline))
        with _broken_as_os_error():
            return self._channel.recv(_PIECE_BYTES)

    def close(self) -> None:
        self._transport.release(self._channel)


class _ChannelFollower:
    """What `tail` says on a channel of its own, after a line that nobody can guess: a login prints before it."""

    def __init__(self, channel: paramiko.Channel, *, token: bytes, transport: SshTransport) -> None:
        self._channel = channel
        self._transport = transport
        self._noise: bytes | None = b""
        self._start = b"\n" + token + b"\n"
        self._descriptor = channel.fileno()
        self._is_open = True

    @property
    def is_open(self) -> bool:
        return self._is_open

    def fileno(self) -> int:
        return self._descriptor

    def read(self) -> bytes:
        if not self._is_open:
            return b""
        # Asked before reading: data and end can come in between.
        is_at_end = self._channel.eof_received or self._channel.closed
        data = bytearray()
        try:
            with _broken_as_os_error():
                self._receive_into(data)
        except OSError:
            # What had come is handed over first; the next call meets the end.
            is_at_end = True
        if is_at_end and not data:
            self.close()
        return self._without_noise(bytes(data))

    def _receive_into(self, data: bytearray) -> None:
        while self._channel.recv_stderr_ready():
            self._channel.recv_stderr(_PIECE_BYTES)
        while self._channel.recv_ready():
            data += self._channel.recv(_PIECE_BYTES)

    def _without_noise(self, data: bytes) -> bytes:
        if self._noise is None:
            return data
        noise, found, after = (self._noise + data).partition(self._start)
        self._noise = None if found else noise
        return after

    def close(self) -> None:
        self._is_open = False
        self._transport.release(self._channel)


class SshTransport:
    """One connection to a host by SSH, made by `connect`. Its methods may be called from several threads."""

    def __init__(self, connection: paramiko.Transport, *, host: str, timeout_seconds: float, max_channels: int) -> None:
        self._connection = connection
        self._host = host
        self._timeout_seconds = timeout_seconds
        self._free_channels = threading.Semaphore(max_channels)
        self._max_channels = max_channels
        self._channels: set[paramiko.Channel] = set()
        self._files: tuple[paramiko.SFTPClient, paramiko.Channel] | None = None
        self._files_lock = threading.Lock()

    @classmethod
    def connect(
        cls,
        where: SshAddress,
        *,
        connect_timeout_seconds: float = 5.0,
        request_timeout_seconds: float = 20.0,
        max_channels: int = _MAX_CHANNELS,
        keepalive_seconds: int = 0,
    ) -> SshTransport:
        """A connection that is logged in, with the host's key checked before anything of ours was sent.

        Raises HostUnreachable, HostKeyRefused. `connect_timeout_seconds` bounds everything together.
        """
        connection = log_in(where, timeout_seconds=connect_timeout_seconds)
        connection.channel_timeout = request_timeout_seconds
        if keepalive_seconds:
            connection.set_keepalive(keepalive_seconds)
        return cls(connection, host=str(where), timeout_seconds=request_timeout_seconds, max_channels=max_channels)

    @property
    def is_open(self) -> bool:
        return bool(self._connection.is_active())

    def open_shell(self, *, timeout_seconds: float) -> Shell:
        channel = self._execute("exec sh", timeout_seconds=timeout_seconds)
        shell = MarkedShell(_ChannelStream(channel, transport=self), host=self._host)
        # Nobody reads its standard error, and a full window would stop it.
        shell.ask(b"exec 2>/dev/null", timeout_seconds=timeout_seconds)
        return shell

    def follow(self, path: str, *, offset: int) -> Follower:
        token = secrets.token_hex(12).encode()
        program = b"printf '\\n%%s\\n' %s; exec tail -c +%d -f -- %s 2>/dev/null" % (
            token,
            offset + 1,
            quoted(path),
        )
        command = b"exec sh -c " + quoted(program)
        channel = self._execute(command, timeout_seconds=self._timeout_seconds)
        return _ChannelFollower(channel, token=token, transport=self)

    def _execute(self, command: str | bytes, *, timeout_seconds: float) -> paramiko.Channel:
        channel = self._open_channel(timeout_seconds=timeout_seconds)
        try:
            with self._limit(timeout_seconds):
                channel.exec_command(command)
        except HostUnreachable:
            self.release(channel)
            raise
        return channel

    def _open_channel(self, *, timeout_seconds: float) -> paramiko.Channel:
        if not self._free_channels.acquire(timeout=timeout_seconds):
            raise HostUnreachable(f"All {self._max_channels} channels to {self._host} are in use.")
        try:
            channel = self._connection.open_session(timeout=timeout_seconds)
        except paramiko.ChannelException as problem:
            self._free_channels.release()
            raise HostUnreachable(f"{self._host} refuses another session: {problem}.") from problem
        except (paramiko.SSHException, EOFError, OSError) as problem:
            self._free_channels.release()
            self.close()
            raise TransportBroken(f"The connection to {self._host} broke: {problem}") from problem
        self._channels.add(channel)
        return channel

    def release(self, channel: paramiko.Channel) -> None:
        """Closes a channel of this transport, once, and lends its place to the next."""
        try:
            # One step, so that of two threads that close it only one goes on.
            self._channels.remove(channel)
        except KeyError:
            return
        # A connection that just broke cannot be told that the channel is closed, and need not.
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            channel.close()
        self._free_channels.release()

    @contextlib.contextmanager
    def _limit(self, timeout_seconds: float) -> Iterator[None]:
        """Ends the connection at the deadline: for some answers paramiko itself waits without one."""
        watch = threading.Timer(timeout_seconds, self._connection.close)
        watch.daemon = True
        watch.start()
        try:
            with self._translated(timeout_seconds):
                yield
        finally:
            watch.cancel()

    @contextlib.contextmanager
    def _translated(self, timeout_seconds: float) -> Iterator[None]:
        """Tells what breaks the connection as TransportBroken. What the host says of a file stays an OSError."""
        try:
            yield
        except (paramiko.SSHException, EOFError, OSError) as problem:
            is_late = isinstance(problem, TimeoutError) or not self.is_open
            if isinstance(problem, OSError) and not is_late and str(problem) != _CHANNEL_CLOSED:
                raise
            self.close()
            reason = f"it did not answer within {timeout_seconds:g} s, or was closed" if is_late else repr(problem)
            raise TransportBroken(f"The connection to {self._host} broke: {reason}.") from problem

    # --- files ---

    def read(self, path: str, *, offset: int, limit_bytes: int) -> bytes:
        with (
            self._files_lock,
            self._translated(self._timeout_seconds),
            self._shared_files().open(path, "rb") as file,
        ):
            # Requests past the end would fail one by one, so they are sent for what is there.
            size_bytes = min(limit_bytes, (file.stat().st_size or 0) - offset)
            end = offset + size_bytes
            pieces = [(begin, min(_PIECE_BYTES, end - begin)) for begin in range(offset, end, _PIECE_BYTES)]
            return b"".join(file.readv(pieces)) if pieces else b""

    def size(self, path: str) -> int:
        with self._files_lock, self._translated(self._timeout_seconds):
            return self._shared_files().stat(path).st_size or 0

    def upload(self, local: Path, *, remote: str) -> None:
        part = str(part_of(PurePosixPath(remote)))
        with self._own_files() as files, local.open("rb") as source:
            try:
                files.putfo(source, part, confirm=False)
                files.posix_rename(part, remote)
            except OSError:
                # Best done, but not at the price of another wait on a connection that broke.
                if self.is_open:
                    with contextlib.suppress(OSError):
                        files.remove(part)
                raise

    def download(self, remote: str, *, local: Path) -> None:
        part = part_of(local)
        try:
            with self._own_files() as files, part.open("wb") as target:
                files.getfo(remote, target, max_concurrent_prefetch_requests=_REQUESTS_AHEAD)
            part.replace(local)
        finally:
            part.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _own_files(self) -> Iterator[paramiko.SFTPClient]:
        """SFTP on a channel for one transfer, so that a large one does not hold up small reads."""
        with self._translated(self._timeout_seconds):
            files, channel = self._open_files()
            try:
                yield files
            finally:
                self.release(channel)

    def _shared_files(self) -> paramiko.SFTPClient:
        if self._files is not None and self._files[1].closed:
            self.release(self._files[1])
            self._files = None
        if self._files is None:
            self._files = self._open_files()
        return self._files[0]

    def _open_files(self) -> tuple[paramiko.SFTPClient, paramiko.Channel]:
        channel = self._open_channel(timeout_seconds=self._timeout_seconds)
        with self._limit(self._timeout_seconds):
            channel.invoke_subsystem("sftp")
            channel.settimeout(self._timeout_seconds)
            return paramiko.SFTPClient(channel), channel

    def close(self) -> None:
        self._connection.close()
