"""System calls that fail, as container runtimes have some of them fail."""

import ctypes
import platform
import struct

IO_URING = 425, 426, 427  # io_uring_setup, io_uring_enter, io_uring_register
SPLICE = {"x86_64": (275,), "aarch64": (76,)}.get(platform.machine())  # None: not known here


def forbid(calls, error):
    """Run in the child (`preexec_fn`): each of these calls fails with this error."""
    code = [(0x20, 0, 0, 0)]  # load the number of the call
    code += [(0x15, len(calls) - i, 0, number) for i, number in enumerate(calls)]
    code += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050000 | error)]  # allow; fail
    program = b"".join(struct.pack("HBBI", *step) for step in code)
    memory = ctypes.create_string_buffer(program)
    filter_ = struct.pack("HxxxxxxQ", len(code), ctypes.addressof(memory))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
    assert libc.prctl(22, 2, filter_, 0, 0) == 0  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
