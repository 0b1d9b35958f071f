"""Mail on this machine: printed, not sent."""

from chalicelib.mail import Letter


class ConsoleMailer:
    """Prints each letter where the server's lines go."""

    def send(self, letter: Letter) -> None:
        """Prints."""
        text = "\n".join(f"  | {line}" for line in letter.text.splitlines())
        print(f"\nmail to {letter.to}: {letter.subject}\n{text}\n", flush=True)
