"""The server: each tool of `tools` offered with its parameters, run one after another in one thread, as one user.

The user's account is read anew for every call, so that a role that was taken away is gone at once. What salesops raises is the
error of the tool, with its remedy; anything else tells only that it went wrong.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from salesops import __version__
from salesops.api import Api
from salesops.common.errors import NotAllowed, SalesopsError
from salesops.workspace import Workspace, read_config

from .tools import PARAMETERS, TOOLS, Tool

DOOR = "mcp"
INSTRUCTIONS = """Numbers of a sales organisation, each with its definition, as of which day it holds, and what was left out.
Start with list_metrics and metric_definition, ask with query_metrics, open the records behind a number with drill, and say how it came about
with explain. Tell people the unit, the currency, the days, the notes and how many records are hidden from them; null is no value, not zero."""


def build(workspace: Workspace, username: str | None = None) -> MCPServer:
    """A server over an opened workspace that acts as a user (default: its owner). Raises NotAllowed for an unknown user.

    Tools that write are offered only where the workspace's setting `mcp_writes` is true.
    """
    api = Api(workspace, username, DOOR)
    worker = ThreadPoolExecutor(1, thread_name_prefix="salesops-mcp")
    server = MCPServer(
        "salesops", title=workspace.config.name, instructions=INSTRUCTIONS, version=__version__, log_level="WARNING"
    )
    for one in TOOLS:
        if one.writes and not workspace.config.mcp_writes:
            continue
        server.add_tool(
            _offered(one, api, worker), name=one.name, description=one.description, structured_output=True,
            annotations=ToolAnnotations(read_only_hint=not one.writes, destructive_hint=False, open_world_hint=False),
        )  # fmt: skip
        _refuse_unknown(server, one.name)
    return server


def _offered(one: Tool, api: Api, worker: ThreadPoolExecutor) -> Callable[..., Awaitable[dict[str, Any]]]:
    """A tool as a function with the parameters that it takes."""

    async def call(**given: Any) -> dict[str, Any]:
        asked = {PARAMETERS[name].python: value for name, value in given.items() if value is not None}
        return await asyncio.get_running_loop().run_in_executor(worker, _run, one, api, asked)

    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [_parameter(name, required=name in one.required) for name in (*one.required, *one.optional)],
        return_annotation=dict[str, Any],
    )
    call.__name__ = one.name
    return call


def _parameter(name: str, required: bool) -> inspect.Parameter:
    known = PARAMETERS[name]
    about = Field(description=known.description, alias=name if known.python != name else None)
    kind: Any = Annotated[known.kind if required else known.kind | None, about]
    default = inspect.Parameter.empty if required else None
    return inspect.Parameter(known.python, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)


def _refuse_unknown(server: MCPServer, name: str) -> None:
    """A parameter that a tool does not have is an error: a question with a slip in it is another question."""
    tool = server._tool_manager.get_tool(name)
    assert tool is not None
    model = tool.fn_metadata.arg_model
    model.model_config["extra"] = "forbid"
    model.model_rebuild(force=True)
    tool.parameters = model.model_json_schema(by_alias=True)


def _run(one: Tool, api: Api, asked: dict[str, Any]) -> dict[str, Any]:
    from django.db import close_old_connections

    from salesops.records.access import actor_for

    close_old_connections()
    try:
        api.actor = actor_for(api.workspace, api.actor.username, door=DOOR)
        if one.writes and not read_config(api.workspace.path).mcp_writes:
            raise NotAllowed(
                "assistants may not write in this workspace", remedy="Set mcp_writes = true in salesops.toml"
            )
        return one.run(api, asked)
    except SalesopsError as error:
        raise ToolError(error.render()) from error
