"""The MCP door: assistants ask the same questions as people, as one user, over the Model Context Protocol."""
