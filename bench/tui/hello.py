"""The least a Textual app can be; run as a file, so that nothing but Textual is imported."""

from textual.app import App, ComposeResult
from textual.widgets import Static
from typing_extensions import override


class HelloApp(App[int]):
    """Says hello."""

    BINDINGS = [("ctrl+q", "quit", "Quit")]

    @override
    def compose(self) -> ComposeResult:
        """One text."""
        yield Static("hello, world")


if __name__ == "__main__":
    HelloApp().run()
