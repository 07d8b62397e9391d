"""How the files read: headers, columns, words that do not belong, the formatter's opinion."""
import re
import subprocess

from sources import ROOT, all_files, code, files, lines, name

# Built from halves, so that this file does not break its own rules.
UNFINISHED = re.compile("TO" "DO|FIX" "ME")
PRIVATE_PATHS = re.compile(r"(?<![\w.<$}/])/(?:wo" r"rk|ro" r"ot|ho" r"me)/")


def matches(pattern: re.Pattern, paths: list) -> list[str]:
    return [f"{name(path)}:{at}: {line.strip()}"
            for path in paths for at, line in enumerate(lines(path), 1) if pattern.search(line)]


def test_every_header_is_included_once_and_opens_with_prose():
    wrong = [name(path) for path in files("lib", "app", "tests", "bench", ends=(".h",))
             if not lines(path)[0].startswith("// ") or "#pragma once" not in lines(path)]
    assert not wrong, "\n".join(wrong)


def test_no_line_is_longer_than_100_columns():
    code_files = files("lib", "app", "tests", "bench", "scripts", ends=(".h", ".cc", ".py", ".sh"))
    wrong = [f"{name(path)}:{at}: {len(line)} columns"
             for path in code_files for at, line in enumerate(lines(path), 1) if len(line) > 100]
    assert not wrong, "\n".join(wrong)


def test_no_namespace_is_emptied_into_another():
    pattern = re.compile(r"^\s*using\s+namespace\b")
    wrong = [f"{name(path)}:{at}" for path in files("lib", "app", "tests", "bench")
             for at, line in enumerate(code(path).splitlines(), 1) if pattern.search(line)]
    assert not wrong, "\n".join(wrong)


def test_nothing_is_left_for_later():
    assert not (wrong := matches(UNFINISHED, all_files())), "\n".join(wrong)


def test_no_path_of_one_machine_is_written_down():
    assert not (wrong := matches(PRIVATE_PATHS, all_files())), "\n".join(wrong)


def test_no_line_ends_in_blanks_and_every_file_ends_in_a_newline():
    code_files = files("lib", "app", "tests", "bench", "scripts",
                       ends=(".h", ".cc", ".py", ".sh", ".build"))
    wrong = matches(re.compile(r"[ \t]+$"), code_files)
    wrong += [name(path) for path in code_files if not path.read_text().endswith("\n")]
    assert not wrong, "\n".join(wrong)


def test_every_script_says_what_it_does():
    wrong = [name(path) for path in files("scripts", ends=(".sh",))
             if not any(line.startswith("# ") for line in lines(path)[:2])]
    assert not wrong, "\n".join(wrong)


def test_the_sources_are_formatted():
    paths = [str(path) for path in files("lib", "app", "tests", "bench")]
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", "--ferror-limit=1", *paths],
                          cwd=ROOT, capture_output=True, text=True, check=False)
    unformatted = set(re.findall(r"^(\S+?):\d+:\d+: error", done.stderr, re.MULTILINE))
    assert done.returncode == 0, "run clang-format -i on:\n" + "\n".join(sorted(unformatted))
