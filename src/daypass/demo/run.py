"""The demo from start to end: everything is started, proven, shown, and stopped again."""

import time
from dataclasses import dataclass
from pathlib import Path

from daypass.demo import output, ready_file
from daypass.demo.checks import DemoChecks
from daypass.demo.environment import DemoEnvironment
from daypass.demo.errors import DemoError
from daypass.demo.instructions import Instructions
from daypass.demo.processes import ProcessGroup
from daypass.demo.proof import run_checks
from daypass.demo.signals import SignalGuard
from daypass.demo.start import start
from daypass.demo.state_dir import exclusive_lock, open_folder


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line asks for; `owner` is the user that the demo runs as."""

    path: Path
    owner: int
    portal_port: int
    aws_port: int
    is_once: bool
    has_history: bool
    ready_file: Path | None


def run(options: DemoOptions, signals: SignalGuard) -> bool:
    """Run the demo until it is stopped; answers whether every promise was kept."""
    folder = open_folder(options.path, options.owner)
    with exclusive_lock(folder), ProcessGroup(folder, signals) as children:
        if options.ready_file:
            ready_file.remove(options.ready_file)
        output.print_text("Starting an AWS and a portal on this machine ...")
        began = time.monotonic()
        world, ca_file = start(
            folder, children, options.portal_port, options.aws_port, has_history=options.has_history
        )
        output.print_text(
            f"Both are running after {time.monotonic() - began:.1f} s. What they promise, tried out:"
        )
        is_proven = run_checklist(world, signals)
        guide = Instructions(folder, world, ca_file)
        guide.write_files()
        if options.ready_file:
            ready_file.write(options.ready_file, world, ca_file)
        if not options.is_once:
            guide.show()
            _serve(children, signals)
    return is_proven


def run_checklist(environment: DemoEnvironment, stops: SignalGuard) -> bool:
    """Run and print the checklist; answers whether all of it holds."""
    broken = 0
    for chapter in DemoChecks(environment).groups():
        output.print_title(chapter.title)
        for line in run_checks(chapter.checks):
            stops.check()
            output.print_result(line)
            broken += not line.has_passed
    output.print_text()
    output.print_text("All of it holds." if not broken else f"{broken} of these did not hold.")
    return not broken


def _serve(children: ProcessGroup, stops: SignalGuard) -> None:
    output.print_text()
    output.print_text("Serving until you press Ctrl-C.")
    try:
        while (ended := children.exited_child()) is None:
            stops.check()
            time.sleep(0.5)
    except KeyboardInterrupt:
        output.print_text()
        output.print_text("Stopped.")
        return
    raise DemoError(f"The {ended.name} stopped by itself; {ended.log} says why.")
