"""How a command ends: what went wrong becomes a sentence without secrets, and an exit code."""

import os
import sys

from daypass.cli.runtime.deadline import is_debugging, print_message
from daypass.cli.runtime.errors import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# What only a failure needs is imported only then.


def exit_code_of(work: "Callable[[], object]", words: list[str]) -> int:
    """The exit code of *work*, which the command line *words* asked for."""
    try:
        outcome = work()
    except Refusal as refusal:
        from daypass.cli.runtime.redaction import known_tokens, scrubbed

        print_message(scrubbed(str(refusal), known_tokens(words, os.environ)))
        return refusal.exit_code
    except KeyboardInterrupt:
        # The terminal has written ^C, and the prompt belongs below it.
        if sys.stderr is not None:
            sys.stderr.write("\n")
        return 130
    except BrokenPipeError:
        # Whoever asked is gone already.
        return 1
    except Exception as error:
        print_message(_unexpected(error, words))
        return 1
    return outcome if isinstance(outcome, int) else 0


def without_tokens(text: str, words: list[str]) -> str:
    """The text without what was, or may have been, given as a token."""
    from daypass.cli.runtime.redaction import known_tokens, possible_tokens, scrubbed

    return scrubbed(text, known_tokens(words, os.environ) | possible_tokens(words))


def _unexpected(error: Exception, words: list[str]) -> str:
    if not is_debugging():
        return f"unexpected: {type(error).__name__}. DAYPASS_DEBUG=1 shows where; please report it."
    from traceback import format_exception

    return without_tokens("".join(format_exception(error)), words)
