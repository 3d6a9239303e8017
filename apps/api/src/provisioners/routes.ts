import { routes } from "@berth/http-api";
import { channels } from "../channels.ts";
import { on, type Handled } from "../http/handler.ts";
import { pageOf } from "../http/page.ts";
import { invalid, orNotFound } from "../http/problem.ts";
import { hashSecret, letters } from "../identity/token.ts";
import { storedTags, type Tags } from "../jobs/tags.ts";
import { targetOrganization } from "../organizations/store.ts";
import type { Plane } from "../plane.ts";
import { deleteKey, insertKey, listDaemons, listKeys } from "./store.ts";
import { daemonView, provisionerKeyView } from "./view.ts";

/** Names of what is no key of an organization. */
const RESERVED = ["built-in", "user-auth", "psk"];
const SECRET_LENGTH = 43;

export const provisionerHandlers = ({ hints }: Plane): readonly Handled[] => [
  on(routes.listProvisionerDaemons, async ({ sql, params, query }) => {
    const organization = await targetOrganization(sql, params.organization);
    return (await listDaemons(sql, organization.id, pageOf(query), tagsOf(query.tags))).map(daemonView);
  }),
  on(routes.listProvisionerKeys, async ({ sql, params }) => {
    const organization = await targetOrganization(sql, params.organization);
    return (await listKeys(sql, organization.id)).map(provisionerKeyView);
  }),
  on(routes.createProvisionerKey, async ({ sql, params, body, caller, change }) => {
    if (RESERVED.includes(body.name.toLowerCase())) throw invalid("name", `"${body.name}" is reserved.`);
    const organization = await targetOrganization(sql, params.organization);
    const key = letters(SECRET_LENGTH);
    return change(async (transaction, say) => {
      const tags = storedTags(body.tags ?? {});
      const id = await insertKey(transaction, {
        organizationId: organization.id,
        name: body.name,
        secretHash: hashSecret(key),
        tags,
        createdBy: caller.userId,
      });
      say({ resourceId: id, organizationId: organization.id, diff: { name: body.name, tags } });
      return { key };
    });
  }),
  on(routes.deleteProvisionerKey, async ({ sql, params, change }) => {
    const organization = await targetOrganization(sql, params.organization);
    await change(async (transaction, say) => {
      const id = orNotFound(await deleteKey(transaction, organization.id, params.name));
      await hints.notify(transaction, channels.keyDeleted, id);
      say({ resourceId: id, organizationId: organization.id, diff: { name: params.name } });
    });
  }),
];

/** A JSON object of texts. @throws Problem 400 */
function tagsOf(json: string | undefined): Tags | undefined {
  if (json === undefined) return undefined;
  const value = parsed(json);
  if (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((one) => typeof one === "string")
  )
    return storedTags(value as Tags);
  throw invalid("tags", 'It must be a JSON object of texts such as {"region":"eu"}.');
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // said by the caller
  }
}
