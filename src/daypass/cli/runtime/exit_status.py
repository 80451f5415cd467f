"""Converts exceptions to an exit code and a message without secrets."""

import os
import sys

from daypass.cli.runtime.deadline import is_debugging, print_message
from daypass.cli.runtime.errors import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Modules that only a failure needs are imported in the functions below, to keep the success path fast.


def exit_code_of(work: "Callable[[], object]", words: list[str]) -> int:
    """Run *work* for the command line *words* and return the exit code; report errors on stderr."""
    try:
        outcome = work()
    except Refusal as refusal:
        from daypass.cli.runtime.redaction import known_tokens, scrubbed

        print_message(scrubbed(str(refusal), known_tokens(words, os.environ)))
        return refusal.exit_code
    except KeyboardInterrupt:
        # The terminal has echoed ^C; the shell's prompt should start on a new line.
        if sys.stderr is not None:
            sys.stderr.write("\n")
        return 130
    except BrokenPipeError:
        # The reader of the pipe has ended already.
        return 1
    except Exception as error:
        print_message(_unexpected(error, words))
        return 1
    return outcome if isinstance(outcome, int) else 0


def without_tokens(text: str, words: list[str]) -> str:
    """Return *text* with the tokens, and the words that may be tokens, replaced."""
    from daypass.cli.runtime.redaction import known_tokens, possible_tokens, scrubbed

    return scrubbed(text, known_tokens(words, os.environ) | possible_tokens(words))


def _unexpected(error: Exception, words: list[str]) -> str:
    if not is_debugging():
        return f"unexpected: {type(error).__name__}. DAYPASS_DEBUG=1 shows where; please report it."
    from traceback import format_exception

    return without_tokens("".join(format_exception(error)), words)
