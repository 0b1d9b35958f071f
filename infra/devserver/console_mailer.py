"""Mail on this machine: printed, not sent."""

from chalicelib.accounts.mailer import EmailMessage


class ConsoleMailer:
    """Prints each letter where the server's lines go."""

    def send(self, message: EmailMessage) -> None:
        """Prints."""
        text = "\n".join(f"  | {line}" for line in message.text.splitlines())
        print(f"\nmail to {message.to}: {message.subject}\n{text}\n", flush=True)
