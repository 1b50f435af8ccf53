"""Hands BTF, and an XDP program with it, to the running kernel by bpf(2).

usage: bpf_load.py BTF [INSNS FUNC_INFO]     each argument in hexadecimal
Prints "accepted", or "refused ERRNO" and the kernel's log; exits with 3 if it may not ask.
"""
import ctypes
import errno
import platform
import struct
import sys

SYSCALL = {"x86_64": 321, "aarch64": 280, "riscv64": 280}
PROG_LOAD, BTF_LOAD, PROG_TYPE_XDP = 5, 18, 6
ATTR_BYTES = 160
FUNC_INFO_BYTES = 8

libc = ctypes.CDLL(None, use_errno=True)
log = ctypes.create_string_buffer(1 << 20)


def bpf(command, attr):
    if platform.machine() not in SYSCALL:
        sys.exit(3)
    attr = ctypes.create_string_buffer(attr, ATTR_BYTES)
    fd = libc.syscall(SYSCALL[platform.machine()], command, attr, ATTR_BYTES)
    if fd >= 0:
        return fd
    code = ctypes.get_errno()
    if command == BTF_LOAD and code in (errno.EPERM, errno.ENOSYS):
        sys.exit(3)
    print("refused", errno.errorcode[code])
    print(log.value.decode(errors="replace"))
    sys.exit(0)


def address(data):
    return ctypes.addressof(data)


# union bpf_attr, the parts for BPF_BTF_LOAD and BPF_PROG_LOAD (linux/bpf.h).
parts = [bytes.fromhex(part) for part in sys.argv[1:]]
btf = ctypes.create_string_buffer(parts[0], len(parts[0]))
btf_fd = bpf(BTF_LOAD, struct.pack("=QQIII", address(btf), address(log), len(btf), len(log), 1))
if len(parts) == 3:
    insns = ctypes.create_string_buffer(parts[1], len(parts[1]))
    funcs = ctypes.create_string_buffer(parts[2], len(parts[2]))
    license = ctypes.create_string_buffer(b"GPL")
    attr = struct.pack("=IIQQIIQ", PROG_TYPE_XDP, len(insns) // 8, address(insns),
                       address(license), 1, len(log), address(log))
    attr = attr.ljust(72, b"\0") + struct.pack("=IIQI", btf_fd, FUNC_INFO_BYTES, address(funcs),
                                               len(funcs) // FUNC_INFO_BYTES)
    bpf(PROG_LOAD, attr)
print("accepted")
