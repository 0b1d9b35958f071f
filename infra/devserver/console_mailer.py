"""Emails of the local server: printed instead of sent."""

from chalicelib.accounts.mailer import EmailMessage
from infra.devserver.output import print_line


class ConsoleMailer:
    """Prints emails on standard output."""

    def send(self, message: EmailMessage) -> None:
        """Print an email."""
        text = "\n".join(f"  | {line}" for line in message.text.splitlines())
        print_line(f"\nemail to {message.to}: {message.subject}\n{text}\n")
