"""A filter of system calls, as the kernel takes it (seccomp, classic BPF): what a submission may not ask for.

It forbids memory that counts for no process (memfd, System V segments, shared anonymous maps, huge pages),
notes for the next submission (keyrings, message queues), every connection, other processes' memory,
namespaces, mounts, and parts of the kernel that no lesson needs.
"""

import errno
import struct

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # as the kernel names them to a filter
FORBIDDEN = {  # by name: its number on x86_64 and on aarch64
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "mq_open": (240, 180),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "connect": (42, 203),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "vmsplice": (278, 75),
}
CLONE, CLONE3, MMAP, SENDTO = (56, 220), (435, 435), (9, 222), (44, 206)
SOCKETS = ((41, 198), (53, 199))  # socket, socketpair
NEW_NAMESPACES = 0x7E020000  # flags of clone
SHARED_ANONYMOUS, HUGE_PAGES = 0x21, 0x40000  # flags of mmap
UNIX = 1  # family of sockets, of which only pairs are of use where connect is forbidden
OTHER_TABLE = 0x40000000  # numbers from here on are of another table of calls (x32)

LOAD, EQUAL, ANY_BIT, FROM, AND, RETURN = 0x20, 0x15, 0x45, 0x35, 0x54, 0x06
ALLOW, FORBID, UNKNOWN = 0x7FFF0000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS

Instruction = tuple[int, int, int, int]  # operation, steps to skip if true and if false, constant


def program(machine: str) -> bytes:
    """The filter for a kind of processor; empty for one that it does not know.

    >>> len(program("x86_64")) % 8, program("riscv64")
    (0, b'')
    """
    if machine not in ARCHITECTURES:
        return b""
    mine = list(ARCHITECTURES).index(machine)
    steps: list[Instruction] = [
        (LOAD, 0, 0, 4),  # the architecture
        (EQUAL, 1, 0, ARCHITECTURES[machine]),
        (RETURN, 0, 0, UNKNOWN),
        (LOAD, 0, 0, 0),  # the number of the call
        (FROM, 0, 1, OTHER_TABLE),
        (RETURN, 0, 0, UNKNOWN),
        *_call(CLONE3[mine], [(RETURN, 0, 0, UNKNOWN)]),  # its flags cannot be seen; libraries take clone
        *_call(CLONE[mine], [_argument(0), (ANY_BIT, 0, 1, NEW_NAMESPACES), FORBIDS, ALLOWS]),
    ]
    for call in SOCKETS:
        steps += _call(call[mine], [_argument(0), (EQUAL, 1, 0, UNIX), FORBIDS, ALLOWS])
    steps += _call(
        SENDTO[mine],  # allowed without an address
        [_argument(4), (EQUAL, 0, 2, 0), _argument(4, 4), (EQUAL, 1, 0, 0), FORBIDS, ALLOWS],
    )
    both = [(AND, 0, 0, SHARED_ANONYMOUS), (EQUAL, 0, 1, SHARED_ANONYMOUS)]
    steps += _call(MMAP[mine], [_argument(3), (ANY_BIT, 2, 0, HUGE_PAGES), *both, FORBIDS, ALLOWS])
    for numbers in FORBIDDEN.values():
        steps += _call(numbers[mine], [FORBIDS])
    return b"".join(struct.pack("<HBBI", *step) for step in [*steps, ALLOWS])


FORBIDS: Instruction = (RETURN, 0, 0, FORBID)
ALLOWS: Instruction = (RETURN, 0, 0, ALLOW)


def _argument(place: int, high: int = 0) -> Instruction:
    """Load the lower half of an argument, or with ``high`` = 4 the upper one."""
    return LOAD, 0, 0, 16 + 8 * place + high


def _call(number: int, steps: list[Instruction]) -> list[Instruction]:
    """Steps for one call, which all others skip."""
    return [(EQUAL, 0, len(steps), number), *steps]
