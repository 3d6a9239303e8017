import { routes } from "@berth/http-api";
import { on, type Handled } from "../http/handler.ts";
import { orNotFound } from "../http/problem.ts";
import { readArchive } from "./archive.ts";
import { findFile, insertFile } from "./store.ts";

const TAR = "application/x-tar";

export const fileHandlers: readonly Handled[] = [
  on(routes.uploadFile, async ({ body, caller, change }) => {
    await readArchive(body);
    return change(async (sql, say) => {
      const id = await insertFile(sql, { content: body, mimetype: TAR, createdBy: caller.userId });
      say({ resourceId: id, diff: { bytes: body.length } });
      return { hash: id };
    });
  }),
  on(routes.downloadFile, async ({ sql, params, setHeader }) => {
    const file = orNotFound(await findFile(sql, params.file));
    setHeader("content-type", file.mimetype);
    return file.content;
  }),
];
