import type { Static } from "typebox";
import { route } from "../route.ts";
import { id, object, shape } from "../shape.ts";

/** Where an uploaded file is kept. */
export const Uploaded = shape("UploadResponse", { hash: id() });
export type Uploaded = Static<typeof Uploaded>;

/** Uploaded archives. */
export const fileRoutes = {
  uploadFile: route({
    id: "uploadFile",
    method: "POST",
    path: "/api/v2/files",
    summary: "Upload a tar archive, at most 10 MiB; the same bytes answer the same id",
    tag: "Files",
    permission: "files:create",
    bodyType: "bytes",
    status: 201,
    response: Uploaded,
    audit: { action: "create", resource: "file" },
    rateLimitPerMinute: 12,
  }),
  downloadFile: route({
    id: "downloadFile",
    method: "GET",
    path: "/api/v2/files/{file}",
    summary: "The bytes of an uploaded file",
    tag: "Files",
    permission: "files:read",
    params: object({ file: id() }),
    status: 200,
    stream: "bytes",
    rateLimitPerMinute: 12,
  }),
} as const;
