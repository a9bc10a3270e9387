"""`salesops mcp`: the workspace as tools of an assistant, over standard input and output."""

from __future__ import annotations

import click

from salesops.common.errors import UsageError


@click.command("mcp")
@click.pass_context
def mcp(ctx: click.Context) -> None:
    """Serve the workspace to an assistant (MCP over standard input and output), as the user of --as.

    Every answer is what that user may see. Nothing can be changed, unless mcp_writes is true in salesops.toml.
    """
    try:
        from .server import build
    except ImportError as error:
        raise UsageError(
            f"the MCP package is not installed here ({error})", remedy="pip install 'salesops[mcp]'"
        ) from error
    build(ctx.obj.workspace, ctx.obj.username).run("stdio")
