"""The running processes of a demo."""

from pathlib import Path


def of_folder(state: Path) -> list[str]:
    """Return the command lines of all processes that name this state folder."""
    wanted = str(state).encode()
    commands = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            if wanted in command or wanted in (process / "environ").read_bytes():
                commands.append(command.decode(errors="replace").replace("\0", " "))
        except OSError:
            # The process ended meanwhile.
            continue
    return commands
