#!/usr/bin/env python3
"""Prints what the command `nodkald` says of itself: its manual page, or what bash completes.

    tools/cli_pages.py man|bash

Rules of this file: commands and options come from the command's own parsers, so that neither page can name one that is
not there. Only what no parser knows (files, exit codes) is written here.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import agent
from agent.cli import SUBCOMMANDS
from agent.config_files import DEFAULT_UNIT_FILE

MAN_HEAD = rf""".TH NODKALD 1 "" "nodkald-agent {agent.__version__}" "nodkald-agent"
.SH NAME
nodkald \- the unit in a citizen's home that calls for help
.SH SYNOPSIS
.B nodkald
.I COMMAND
.RI [ option ...]
.SH DESCRIPTION
Reads the pull-cords, buttons and the worn fall sensor of a home, and calls the response centre. As a service it is
.BR nodkald-agent.service ;
see its log with
.BR "journalctl \-u nodkald-agent" .
.SH COMMANDS
"""

MAN_TAIL = rf""".SH FILES
.TP
.I {DEFAULT_UNIT_FILE}
This home's unit file. The service does not start before it is there.
.TP
.I /usr/share/nodkald/profiles
The firmware profiles that a unit file can name.
.TP
.I /etc/nodkald/models
The municipality's fall models, each a card (.json), a model file (.tflite) and a signature (.sig), and which is chosen.
.TP
.I /var/lib/nodkald
The outbox: events that the centre has not received yet. Survives restarts and upgrades.
.TP
.I /etc/credstore.encrypted/nodkald\-tls\-key
The private key, where it is kept encrypted by systemd\-creds(1).
.SH EXIT STATUS
0 well; 1 it failed; 2 a file or an argument is wrong.
.SH SEE ALSO
.BR journalctl (1),
.BR systemd\-creds (1),
.I /usr/share/doc/nodkald\-agent
"""


def parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield each subcommand's name and its parser, and those below it: `sim pull`."""
    for name, subcommand in SUBCOMMANDS.items():
        parser = argparse.ArgumentParser(prog=f"nodkald {name}", description=subcommand.help)
        importlib.import_module(subcommand.module).configure(parser)
        yield name, parser
        yield from _below(name, parser)


def _below(name: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in _actions(parser):
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - argparse has no public name for it
            for word, child in action.choices.items():
                yield f"{name} {word}", child
                yield from _below(f"{name} {word}", child)


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return parser._actions  # noqa: SLF001 - argparse tells its options nowhere else


def manual() -> str:
    """Return the manual page."""
    text = MAN_HEAD
    for name, parser in parsers():
        usage = " ".join(parser.format_usage().split())
        text += f".SS nodkald {_roff(name)}\n{_roff(parser.description or '')}\n.PP\n{_roff(usage)}\n"
        formatter = parser._get_formatter()  # noqa: SLF001 - it alone fills %(default)s in
        for action in _actions(parser):
            if action.help in (None, argparse.SUPPRESS) or "--help" in action.option_strings:
                continue
            words = ", ".join(action.option_strings) or str(action.metavar or action.dest)
            value = f" {action.metavar or action.dest.upper()}" if action.option_strings and action.nargs != 0 else ""
            text += f".TP\n.B {_roff(words + value)}\n{_roff(formatter._expand_help(action))}\n"  # noqa: SLF001 - as above
    return text + MAN_TAIL


def completion() -> str:
    """Return a bash function: commands first, then the options of that command, and files."""
    cases = "".join(
        f'    {name.replace(" ", "-")}) words="{" ".join(_words(parser))}" ;;\n' for name, parser in parsers()
    )
    return f"""# bash completion for nodkald; made by tools/cli_pages.py

_nodkald() {{
  local words command=${{COMP_WORDS[1]}}
  case "$command-${{COMP_WORDS[2]}}" in
    sim-* | model-* | office-*) [ "$COMP_CWORD" -gt 2 ] && command="$command-${{COMP_WORDS[2]}}" ;;
  esac
  [ "$COMP_CWORD" -gt 1 ] || command=''
  case "$command" in
    '') words="{" ".join([*SUBCOMMANDS, "--version", "--help"])}" ;;
{cases}  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}")
}}
complete -o default -F _nodkald nodkald
"""


def _words(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in _actions(parser):
        yield from (option for option in action.option_strings if option.startswith("--"))
        if not action.option_strings and action.choices:
            yield from (str(choice) for choice in action.choices)


def _roff(text: str) -> str:
    text = " ".join(text.split()).replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{text}" if text.startswith((".", "'")) else text


if __name__ == "__main__":
    sys.stdout.write({"man": manual, "bash": completion}[sys.argv[1]]())
