"""The command `nodkald`.

Rules of this file: only which subcommand is whose. A subcommand's module is imported when it is asked for, so that
`nodkald run` is armed without waiting for what only `nodkald replay` needs. Exit codes: 0 well, 1 it failed, 2 a file
or an argument is wrong.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import agent
from agent.errors import ConfigError, NodkaldError


@dataclass(frozen=True, slots=True)
class _Subcommand:
    module: str
    help: str


SUBCOMMANDS = {
    "run": _Subcommand("agent.run", "run the unit"),
    "check-config": _Subcommand("agent.check_config", "check a unit file or a firmware profile"),
    "status": _Subcommand("agent.status.command", "how the running unit is doing"),
    "log": _Subcommand("agent.status.log", "the unit's last events in words"),
    "doctor": _Subcommand("agent.doctor.command", "check everything that a technician can mend, and say what to do"),
    "model": _Subcommand("agent.models.command", "fall models of the municipality: verify, try, promote, roll back"),
    "provision": _Subcommand("agent.provision.command", "make this machine a unit: identity, sensors, broker"),
    "windows": _Subcommand("agent.windows.command", "the motion kept by consent: count, fetch, delete"),
    "office": _Subcommand("agent.office.command", "claims, a CA for trials, signing of models, windows of units"),
    "sim": _Subcommand("agent.simulator.command", "pull, press, play and unplug in a running simulated home"),
    "centre": _Subcommand("agent.simulator.centre", "a response centre to try a unit with"),
    "replay": _Subcommand("agent.replay", "what the unit would have made of recorded motion"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="nodkald", description="The unit in a citizen's home that calls for help.")
    parser.add_argument("--version", action="version", version=f"nodkald-agent {agent.__version__}")
    parsers = parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
    asked = next((word for word in words if word in SUBCOMMANDS), None)
    for name, subcommand in SUBCOMMANDS.items():
        subparser = parsers.add_parser(name, help=subcommand.help, description=subcommand.help)
        if name == asked:
            module = importlib.import_module(subcommand.module)
            module.configure(subparser)
            subparser.set_defaults(run=module.run)
    args = parser.parse_args(words)
    try:
        return int(args.run(args))
    except ConfigError as error:
        print("\n".join(error.faults), file=sys.stderr)
        return 2
    except NodkaldError as error:
        print(f"nodkald {args.subcommand}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0  # whoever read our output (head, less) has seen enough


if __name__ == "__main__":
    sys.exit(main())
