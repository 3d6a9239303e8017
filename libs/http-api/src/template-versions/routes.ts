import { Response } from "../error.ts";
import { route } from "../route.ts";
import { id, list, object, text } from "../shape.ts";
import { WorkspaceResource } from "../agents/shapes.ts";
import { ProvisionerJobLog, logQuery } from "../jobs/shapes.ts";
import {
  CreateTemplateVersion,
  TemplateVersion,
  TemplateVersionParameter,
  TemplateVersionVariable,
} from "./shapes.ts";

const tag = "Template versions";
const params = object({ version: id() });

/** Versions of templates. */
export const templateVersionRoutes = {
  createTemplateVersion: route({
    id: "createTemplateVersion",
    method: "POST",
    path: "/api/v2/organizations/{organization}/templateversions",
    summary: "Import an uploaded archive",
    tag,
    permission: "templates:create",
    params: object({ organization: text() }),
    body: CreateTemplateVersion,
    status: 201,
    response: TemplateVersion,
    audit: { action: "create", resource: "template_version" },
  }),
  getTemplateVersion: route({
    id: "getTemplateVersion",
    method: "GET",
    path: "/api/v2/templateversions/{version}",
    summary: "One version",
    tag,
    permission: "templates:read",
    params,
    status: 200,
    response: TemplateVersion,
  }),
  cancelTemplateVersion: route({
    id: "cancelTemplateVersion",
    method: "PATCH",
    path: "/api/v2/templateversions/{version}/cancel",
    summary: "Cancel an import",
    tag,
    permission: "templates:create",
    params,
    status: 200,
    response: Response,
    audit: { action: "cancel", resource: "template_version" },
  }),
  listTemplateVersionParameters: route({
    id: "listTemplateVersionParameters",
    method: "GET",
    path: "/api/v2/templateversions/{version}/rich-parameters",
    summary: "What the version asks of whoever makes a workspace of it",
    tag,
    permission: "templates:read",
    params,
    status: 200,
    response: list(TemplateVersionParameter),
  }),
  listTemplateVersionVariables: route({
    id: "listTemplateVersionVariables",
    method: "GET",
    path: "/api/v2/templateversions/{version}/variables",
    summary: "Terraform variables of the version",
    tag,
    permission: "templates:create",
    params,
    status: 200,
    response: list(TemplateVersionVariable),
  }),
  listTemplateVersionResources: route({
    id: "listTemplateVersionResources",
    method: "GET",
    path: "/api/v2/templateversions/{version}/resources",
    summary: "What a workspace of the version consists of",
    tag,
    permission: "templates:read",
    params,
    status: 200,
    response: list(WorkspaceResource),
  }),
  listTemplateVersionLogs: route({
    id: "listTemplateVersionLogs",
    method: "GET",
    path: "/api/v2/templateversions/{version}/logs",
    summary: "The log of an import; with follow=true over WebSocket until it ends",
    tag,
    permission: "templates:read",
    params,
    query: logQuery,
    status: 200,
    response: list(ProvisionerJobLog),
    stream: "follow",
  }),
} as const;
