"""The command line: words in, calls to the library, tables out.

Commands of this package and of others are found alike: `run`, `score`, `compare`, `export`, `list`, `check`,
`data` and `doctor` here, the rest through the entry points `consbench.commands`. A command's module imports
what is heavy inside its function, so that `consbench --help` stays light.
"""

from __future__ import annotations

from importlib import import_module

import click

from consbench import registry
from consbench.errors import ConsbenchError, UnknownName, UsageError

OWN_COMMANDS = {
    "run": "consbench.cli.run:run",
    "score": "consbench.cli.score:score",
    "compare": "consbench.cli.compare:compare",
    "list": "consbench.cli.list:list_",
    "export": "consbench.cli.export:export",
    "check": "consbench.cli.check:check",
    "data": "consbench.cli.synth:data",
    "doctor": "consbench.cli.doctor:doctor",
}


class _Refused(click.ClickException):
    exit_code = 2


class _Failed(click.ClickException):
    exit_code = 1


class _Interrupted(click.ClickException):
    exit_code = 130


class _Commands(click.Group):
    """Commands by name, imported when named; errors of the library become messages and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*OWN_COMMANDS, *registry.names("command")]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in OWN_COMMANDS:
            module, attribute = OWN_COMMANDS[name].split(":")
            command: click.Command = getattr(import_module(module), attribute)
            return command
        if name not in registry.names("command"):
            return None
        try:
            found: click.Command = registry.find("command", name)
        except UsageError as error:
            return _broken(name, error)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            raise UnknownName("command", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise _Refused(str(error)) from error
        except ConsbenchError as error:
            raise _Failed(str(error)) from error
        except KeyboardInterrupt as error:
            raise _Interrupted(
                "interrupted. What was finished is kept; give the same command again to go on"
            ) from error


def _broken(name: str, error: UsageError) -> click.Command:
    """A command that cannot be imported: it shows in the help, and says why when it is named."""

    def fail() -> None:
        raise error

    return click.Command(name, callback=fail, short_help="(cannot be imported; 'consbench doctor' says why)")


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="consbench")
def cli() -> None:
    """Evaluate models that answer one click with several masks: how good, how consistent, in which order.

    `consbench run` with no arguments shows all of it on data and models that ship with the package.
    """


def main() -> None:
    """Run the command line: exit code 0 for success, 1 for a failed run, 2 for a mistake of the user."""
    cli(prog_name="consbench")
