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
from daypass.demo.proof import lines
from daypass.demo.signals import SignalGuard
from daypass.demo.start import start
from daypass.demo.state_dir import held, open_folder


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


def run(wishes: DemoOptions, stops: SignalGuard) -> bool:
    """Run the demo until it is stopped; answers whether every promise was kept."""
    folder = open_folder(wishes.path, wishes.owner)
    with held(folder), ProcessGroup(folder, stops) as children:
        if wishes.ready_file:
            ready_file.forget(wishes.ready_file)
        output.say("Starting an AWS and a portal on this machine ...")
        began = time.monotonic()
        world, ca_file = start(
            folder, children, wishes.portal_port, wishes.aws_port, has_history=wishes.has_history
        )
        output.say(f"Both are running after {time.monotonic() - began:.1f} s. What they promise, tried out:")
        is_proven = prove(world, stops)
        guide = Instructions(folder, world, ca_file)
        guide.write_files()
        if wishes.ready_file:
            ready_file.announce(wishes.ready_file, world, ca_file)
        if not wishes.is_once:
            guide.show()
            _serve(children, stops)
    return is_proven


def prove(world: DemoEnvironment, stops: SignalGuard) -> bool:
    """Run and print the checklist; answers whether all of it holds."""
    broken = 0
    for chapter in DemoChecks(world).chapters():
        output.title(chapter.title)
        for line in lines(chapter.checks):
            stops.check()
            output.line(line)
            broken += not line.is_kept
    output.say()
    output.say("All of it holds." if not broken else f"{broken} of these did not hold.")
    return not broken


def _serve(children: ProcessGroup, stops: SignalGuard) -> None:
    output.say()
    output.say("Serving until you press Ctrl-C.")
    try:
        while (ended := children.ended()) is None:
            stops.check()
            time.sleep(0.5)
    except KeyboardInterrupt:
        output.say()
        output.say("Stopped.")
        return
    raise DemoError(f"The {ended.name} stopped by itself; {ended.log} says why.")
