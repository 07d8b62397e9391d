"""The folders of lib/ are layers: what each may include, as a picture in lib/README.md says it."""
import re

import pytest
from sources import ROOT, code, files, includes, name

BASE = {"base"}
PROTOCOL = BASE | {"wire", "timer", "tcp"}
STACK = PROTOCOL | {"flow", "link", "shard"}
MAY_INCLUDE = {
    "base": BASE,
    "wire": BASE | {"wire"},
    "timer": BASE | {"timer"},
    "tcp": PROTOCOL,
    "flow": PROTOCOL | {"flow"},
    "link": PROTOCOL | {"link"},
    "shard": STACK,
    "nic": STACK | {"nic"},
    "net": STACK | {"net"},
    "world": STACK | {"world", "net"},
    "service": STACK | {"service"},
    "load": STACK | {"load"},
    "plan": STACK | {"plan", "load"},
    "admin": STACK | {"admin", "service", "load", "nic"},
    "lab": STACK | {"lab", "plan", "world", "service", "load", "nic"},
    "config": STACK | {"config", "nic", "service", "load", "plan", "admin", "net", "world", "lab"},
    "run": STACK | {"run", "config", "lab", "plan", "service", "load", "nic", "admin"},
}
GENERATED = {"version.h"}
PURE = ["base", "wire", "timer", "tcp"]
CLOCKS = re.compile(r"\b(chrono|clock_gettime|gettimeofday|__rdtsc|std::time)\b"
                    r"|\brte_(rdtsc|get_tsc|get_timer)\w*|\btime\s*\(\s*(nullptr|NULL|0)\s*\)")


def is_dpdk(include: str) -> bool:
    return include.startswith("<rte_") or include.startswith("rte_")


def test_every_folder_has_its_place_among_the_layers():
    folders = {p.relative_to(ROOT / "lib").parts[0] for p in files("lib")}
    assert folders <= set(MAY_INCLUDE)


@pytest.mark.parametrize("folder", MAY_INCLUDE)
def test_a_folder_includes_only_what_lies_below_it(folder):
    allowed = MAY_INCLUDE[folder]
    wrong = [f"{name(path)} includes {include}"
             for path in files(f"lib/{folder}") for include in includes(path)
             if not include.startswith("<")
             and include not in allowed and include.split("/")[0] not in allowed]
    assert not wrong, "\n".join(wrong)


def test_our_own_headers_are_included_by_their_path_below_lib():
    places = (ROOT / "lib", ROOT / "app")
    examples = ROOT / "app/examples"  # programs by themselves: they include their own files by name
    wrong = [f"{name(path)} includes {include}"
             for path in files("lib", "app") for include in includes(path)
             if not include.startswith("<") and include not in GENERATED
             and not any((place / include).exists() for place in places)
             and not (path.parent == examples and (examples / include).exists())]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("folder", PURE + ["config"])
def test_the_protocol_knows_nothing_of_dpdk(folder):
    wrong = [f"{name(path)} includes {include}"
             for path in files(f"lib/{folder}") for include in includes(path) if is_dpdk(include)]
    assert not wrong, "\n".join(wrong)


def test_the_link_knows_nothing_of_dpdk():
    wrong = [include for path in files("lib/link")
             for include in includes(path) if is_dpdk(include)]
    assert not wrong


def test_of_flow_the_connection_map_alone_knows_dpdk():
    wrong = [f"{name(path)} includes {include}"
             for path in files("lib/flow") if name(path) != "lib/flow/flow_table.cc"
             for include in includes(path) if is_dpdk(include)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("folder", PURE + ["flow", "link", "shard"])
def test_time_is_a_parameter_and_no_clock_is_read(folder):
    wrong = [f"{name(path)}:{at}: {line.strip()}"
             for path in files(f"lib/{folder}")
             for at, line in enumerate(code(path).splitlines(), 1) if CLOCKS.search(line)]
    wrong += [f"{name(path)} includes {include}" for path in files(f"lib/{folder}")
              for include in includes(path) if include in ("<chrono>", "<ctime>", "<rte_cycles.h>")]
    assert not wrong, "\n".join(wrong)


def test_the_runtime_prints_nothing():
    """What there is to tell goes to the caller: as a Result, or through a callback. program.cc is a
    main function, of programs with an app of their own."""
    printing = re.compile(r"\b(fmt::print|std::cout|std::cerr|f?printf|f?puts)\b")
    wrong = [f"{name(path)}:{at}: {line.strip()}"
             for path in files("lib/run") if path.name != "program.cc"
             for at, line in enumerate(code(path).splitlines(), 1) if printing.search(line)]
    assert not wrong, "\n".join(wrong)


def test_the_server_is_not_linked_with_the_simulator():
    wrong = [name(path) for path in files("app") for include in includes(path)
             if path.stem == "serve" and include.startswith(("net/", "world/"))]
    assert not wrong


TYPE = re.compile(r"^(?:struct|class|enum class|union)\s+(?:alignas\(\w+\)\s+)?(\w+)\s*[^;{<:]*"
                  r"(?::[^:][^;{]*)?\{", re.MULTILINE)


def test_a_type_is_defined_in_one_header():
    """Two of one name in one program break the one-definition rule: the linker takes either."""
    homes = {}
    for path in files("lib", "app", ends=(".h",)):
        for found in TYPE.finditer(code(path)):
            own = path.relative_to(ROOT).parts[:2]  # a folder is a namespace
            homes.setdefault((own, found[1]), []).append(name(path))
    assert len(homes) > 200
    wrong = [f"{type_name}: {', '.join(paths)}"
             for (_, type_name), paths in homes.items() if len(paths) > 1]
    assert not wrong, "\n".join(wrong)
