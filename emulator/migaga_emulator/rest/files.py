"""Serves the files of messages, as Discord's content servers do. The server adds it and sets `file_base` to itself."""

from __future__ import annotations

from aiohttp import web

from migaga_emulator.world.world import World


def add_files(app: web.Application, world: World) -> None:
    """Add the paths that the urls of attachments have. A file that is gone is answered with 404."""

    async def serve(request: web.Request) -> web.Response:
        file = world.core.files.get(int(request.match_info["file_id"]))
        if file is None or file.filename != request.match_info["name"]:
            raise web.HTTPNotFound(text="This content is no longer available.")
        return web.Response(body=file.data, headers={"Content-Type": file.content_type})

    for base in ("attachments", "ephemeral-attachments"):
        app.router.add_get(f"/{base}/{{channel_id:[0-9]+}}/{{file_id:[0-9]+}}/{{name}}", serve)
