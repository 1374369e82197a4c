"""Compile the kernel to WebAssembly: Numba's LLVM IR, retargeted, optimised and linked.

Numba makes the IR for a processor without vectors and without optimising it, so that it says nothing
of the machine it was made on; LLVM then optimises it once, for WebAssembly's vectors. Arithmetic stays IEEE
as written, so a world played in a page equals the world played in Python, bit for bit.
"""

import os
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

from springdrift_agents.files import write_bytes

HERE = Path(__file__).parent
KERNELS = {engine: HERE / f"{engine}.wasm" for engine in ("incline", "series")}  # as they ship
RUNTIME = HERE / "runtime.ll"
TOOLS = {"numba": "0.68.1", "llvmlite": "0.50.0", "ziglang": "0.17.1"}  # others make other bytes, or none
TARGET = "wasm32-unknown-unknown"
FEATURES = "+simd128,+bulk-memory,+nontrapping-fptoint,+sign-ext,+mutable-globals"
RUNTIME_EXPORTS = ("alloc", "mark", "release")
MEMORY, STACK = 2**21, 2**18  # bytes, in all and of it for the stack
PLAIN = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_OPT": "0"}


def check_tools() -> None:
    """Raises ImportError where a tool is missing or another version, and says what to install."""
    for name, wanted in TOOLS.items():
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            found = "none"
        if found != wanted:
            raise ImportError(
                f"compiling the kernel to WebAssembly needs {name} {wanted}, found {found}: "
                f"pip install {' '.join(f'{tool}=={version}' for tool, version in TOOLS.items())} "
                "(the compiled kernel ships with springdrift; the page is built from it without these)"
            )


# What Numba would raise in Python, pickled, with the places of its own files on this machine.
PICKLED = (
    (
        re.compile(r'^(@\.const\.pickledata\.\S+ = internal constant) \[\d+ x i8\] c".*?"', re.M),
        r"\1 [1 x i8]",
    ),
    (re.compile(r"^(@\.const\.picklebuf\.\S+ = internal constant \{[^}]*\}) \{[^}]*\}", re.M), r"\1"),
)


def compile_kernels(folder: Path = HERE) -> None:
    """Write each kernel as a WebAssembly module into a folder; takes a minute or two.

    Raises:
        ImportError: a tool is missing or has another version.
        RuntimeError: a tool failed; holds what it said.
    """
    check_tools()
    for engine, path in KERNELS.items():
        with tempfile.TemporaryDirectory() as work:
            surroundings = {**os.environ, **PLAIN, "NUMBA_CACHE_DIR": work}
            exported = _run(
                [sys.executable, "-W", "ignore", "-m", __name__, engine, work], surroundings
            ).split()
            module = Path(work) / "kernel.wasm"
            options = [f"--export={name}" for name in exported]
            options += ["--no-entry", "--import-undefined", "--strip-all", "--stack-first"]
            options += ["-z", f"stack-size={STACK}", f"--initial-memory={MEMORY}", f"--max-memory={MEMORY}"]
            object_file = str(Path(work) / "kernel.o")
            _run([sys.executable, "-m", "ziglang", "wasm-ld", object_file, *options, "-o", str(module)])
            write_bytes(folder / path.name, module.read_bytes())


def _run(command: list[str], surroundings: dict[str, str] | None = None) -> str:
    """What a command says; RuntimeError where it fails."""
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[1:5])} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout


def intermediate(engine: str) -> dict[str, tuple[str, str]]:
    """Name and LLVM IR of each function that the page calls, as Numba makes it for a single world."""
    from numba import typeof

    from springdrift import InclinedMassWorld
    from springdrift.series.world import SeriesWorld
    from springdrift_agents.play.web import calls

    found = {}
    called = (
        calls.of_incline(InclinedMassWorld(1)) if engine == "incline" else calls.of_series(SeriesWorld(1))
    )
    for name, (function, arguments) in called.items():
        types = tuple(map(typeof, arguments.values()))
        function.compile(types)
        compiled = function.overloads[types]
        found[name] = compiled.fndesc.llvm_func_name, compiled.library.get_llvm_str()
    return found


def object_of(functions: dict[str, tuple[str, str]]) -> bytes:
    """One WebAssembly object of the functions, with what they call and :data:`RUNTIME` around them."""
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(TARGET).create_target_machine(opt=3, features=FEATURES, reloc="static")
    head = f'target datalayout = "{machine.target_data}"\ntarget triple = "{TARGET}"\n'

    def parsed(text: str) -> Any:
        text = re.sub(r"^target (datalayout|triple).*\n", "", text, flags=re.MULTILINE)
        for pickled, kind in PICKLED:
            text = pickled.sub(f"{kind} zeroinitializer", text)
        return llvm.parse_assembly(head + re.sub(r'"target-(cpu|features)"="[^"]*"', "", text))

    module = parsed(RUNTIME.read_text(encoding="utf-8"))
    for _, text in functions.values():
        module.link_in(parsed(text))
    names = {mangled: name for name, (mangled, _) in functions.items()}
    exported = {*functions, *RUNTIME_EXPORTS}
    for function in module.functions:
        if function.name in names:
            function.name = names[function.name]
        if not function.is_declaration:
            function.linkage = "external" if function.name in exported else "internal"
    for variable in module.global_variables:
        if not variable.is_declaration:
            variable.linkage = "internal"
    tuning = llvm.create_pipeline_tuning_options(speed_level=3)
    tuning.loop_vectorization = tuning.slp_vectorization = True
    passes = llvm.create_pass_builder(machine, tuning)
    passes.getModulePassManager().run(module, passes)
    return bytes(machine.emit_object(module))


def _main(engine: str, folder: str) -> None:
    """Write the object of an engine, and say what it exports."""
    functions = intermediate(engine)
    Path(folder, "kernel.o").write_bytes(object_of(functions))
    sys.stdout.write("\n".join((*functions, *RUNTIME_EXPORTS)))


if __name__ == "__main__":
    _main(*sys.argv[1:])
