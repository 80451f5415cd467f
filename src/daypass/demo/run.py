"""The run of the demo: start, checklist, instructions, serving, stop."""

import time
from dataclasses import dataclass
from pathlib import Path

from daypass.common.counting import counted
from daypass.demo import output, ready_file
from daypass.demo.checks import DemoChecks
from daypass.demo.environment import DemoEnvironment
from daypass.demo.errors import DemoError
from daypass.demo.instructions import Instructions
from daypass.demo.processes import ProcessGroup
from daypass.demo.proof import run_checks
from daypass.demo.signals import SignalGuard
from daypass.demo.start import DemoPorts, start
from daypass.demo.state_dir import exclusive_lock, open_folder


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The options of the command line; `owner` is the id of the user who runs the demo."""

    path: Path
    owner: int
    ports: DemoPorts
    is_once: bool
    has_history: bool
    has_scim: bool
    ready_file: Path | None


def run(options: DemoOptions, signals: SignalGuard) -> bool:
    """Run the demo until it is stopped; return whether every check passed."""
    folder = open_folder(options.path, options.owner)
    with exclusive_lock(folder), ProcessGroup(folder, signals) as processes:
        if options.ready_file:
            ready_file.remove(options.ready_file)
        output.print_text("Starting an AWS, an identity provider and a portal on this machine ...")
        began = time.monotonic()
        environment, ca_file = start(
            folder, processes, options.ports, has_history=options.has_history, has_scim=options.has_scim
        )
        output.print_text(f"All are running after {time.monotonic() - began:.1f} s. Checking them:")
        has_passed = run_checklist(environment, signals)
        instructions = Instructions(folder, environment, ca_file)
        instructions.write_files()
        if options.ready_file:
            ready_file.write(options.ready_file, environment, ca_file)
        if not options.is_once:
            instructions.show()
            _serve(processes, signals)
    return has_passed


def run_checklist(environment: DemoEnvironment, signals: SignalGuard) -> bool:
    """Run the checks and print the results; return whether all passed."""
    failed = 0
    for group in DemoChecks(environment).groups():
        output.print_title(group.title)
        for result in run_checks(group.checks):
            signals.check()
            output.print_result(result)
            failed += not result.has_passed
    output.print_text()
    output.print_text("All checks passed." if not failed else f"{counted(failed, 'check')} failed.")
    return not failed


def _serve(processes: ProcessGroup, signals: SignalGuard) -> None:
    output.print_text()
    output.print_text("Serving until you press Ctrl-C.")
    try:
        while (ended := processes.exited_child()) is None:
            signals.check()
            time.sleep(0.5)
    except KeyboardInterrupt:
        output.print_text()
        output.print_text("Stopped.")
        return
    raise DemoError(f"The {ended.name} stopped by itself; {ended.log} says why.")
