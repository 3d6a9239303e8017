import { version } from "@berth/std";
import type { TSchema } from "typebox";
import { Response } from "./error.ts";
import type { Route } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

/** The routes as one OpenAPI 3.1 document; shapes with a title become its components. */
export function openApi(routes: readonly Route[]): Json {
  const components = new Map<string, unknown>();
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const operations = (paths[route.path] ??= {});
    operations[route.method.toLowerCase()] = operation(route, (schema) => hoist(schema, components));
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Berth",
      version,
      description: "The public API of a Berth deployment",
      license: { name: "Apache License 2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: Object.fromEntries(components),
      securitySchemes: { token: { type: "apiKey", in: "header", name: "Coder-Session-Token" } },
    },
  };
}

function operation(route: Route, schemaOf: (schema: TSchema) => unknown): Json {
  const body = route.bodyType === "bytes" ? BYTES : route.body && json(schemaOf(route.body));
  return {
    operationId: route.id,
    summary: route.summary,
    tags: [route.tag],
    security: route.permission === "none" ? [] : [{ token: [] }],
    "x-permission": route.permission,
    parameters: [
      ...parameters("path", route.params, schemaOf),
      ...parameters("query", route.query, schemaOf),
    ],
    ...(body === undefined ? {} : { requestBody: { required: true, content: body } }),
    responses: {
      [String(route.status)]: { description: route.summary, ...answer(route, schemaOf) },
      "4XX": { description: "What was wrong with the request", content: json(schemaOf(Response)) },
      "5XX": { description: "What is wrong here just now", content: json(schemaOf(Response)) },
    },
  };
}

const BYTES = { "application/octet-stream": {} };
const json = (schema: unknown) => ({ "application/json": { schema } });

function answer(route: Route, schemaOf: (schema: TSchema) => unknown): Json {
  if (route.stream === "bytes") return { content: BYTES };
  if (route.response === undefined) return {};
  if (route.stream === "sse")
    return { content: { "text/event-stream": { schema: schemaOf(route.response) } } };
  return { content: json(schemaOf(route.response)) };
}

function parameters(
  place: "path" | "query",
  schema: TSchema | undefined,
  schemaOf: (schema: TSchema) => unknown,
) {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schema as {
    properties?: Record<string, TSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: schemaOf(property),
  }));
}

/** A copy in which every titled schema is a reference to its component. */
function hoist(schema: unknown, components: Map<string, unknown>): unknown {
  if (Array.isArray(schema)) return schema.map((part) => hoist(part, components));
  if (typeof schema !== "object" || schema === null) return schema;
  const title = "title" in schema && typeof schema.title === "string" ? schema.title : undefined;
  if (title !== undefined && components.has(title)) return { $ref: `#/components/schemas/${title}` };
  if (title !== undefined) components.set(title, {}); // taken first: a shape may lead back to itself
  const copy = Object.fromEntries(
    Object.entries(schema).map(([key, part]) => [key, hoist(part, components)]),
  );
  if (title === undefined) return copy;
  components.set(title, copy);
  return { $ref: `#/components/schemas/${title}` };
}
