import type { Noun, Permission, SiteRole, Verb } from "@berth/http-api";

/** Over which objects a grant holds: every one, or the caller's own. */
export type Scope = "any" | "own";

type Grants = Partial<Record<Noun | "*", Partial<Record<Verb | "*", Scope>>>>;

const ALL: Grants = { "*": { "*": "any" } };

/** What each role may do. Everybody is a member; the others add to it. */
const GRANTS: Readonly<Record<SiteRole, Grants>> = {
  owner: ALL,
  "user-admin": {
    users: { "*": "any" },
    organizations: { read: "any" },
  },
  "template-admin": {
    templates: { "*": "any" },
    files: { "*": "any" },
    workspaces: { read: "any" },
    users: { read: "any" },
    "provisioner-daemons": { read: "any" },
    "provisioner-keys": { "*": "any" },
  },
  auditor: {
    templates: { read: "any" },
    users: { read: "any" },
    "provisioner-daemons": { read: "any" },
    "provisioner-keys": { read: "any" },
    replicas: { read: "any" },
    deployment: { read: "any" },
  },
  member: {
    users: { read: "own" },
    keys: { "*": "own" },
    organizations: { read: "any" },
    templates: { read: "any" },
    workspaces: { "*": "own" },
    "provisioner-daemons": { read: "any" },
  },
};

const DISPLAY_NAMES: Readonly<Record<SiteRole, string>> = {
  owner: "Owner",
  "user-admin": "User Admin",
  "template-admin": "Template Admin",
  auditor: "Auditor",
  member: "Member",
};

/** The roles that can be given, in the order of their power. */
export const SITE_ROLES: readonly SiteRole[] = ["owner", "user-admin", "template-admin", "auditor", "member"];

export function isSiteRole(name: string): name is SiteRole {
  return Object.hasOwn(GRANTS, name);
}

export function displayNameOf(role: SiteRole): string {
  return DISPLAY_NAMES[role];
}

/** The widest scope in which these roles may do it; undefined when they may not. */
export function scopeOf(roles: readonly string[], permission: Permission): Scope | undefined {
  if (permission === "none" || permission === "authenticated") return "any";
  const [noun, verb] = permission.split(":") as [Noun, Verb];
  const scopes = [...roles.filter(isSiteRole), "member" as const].map((role) =>
    grantOf(GRANTS[role], noun, verb),
  );
  return scopes.find((scope) => scope === "any") ?? scopes.find((scope) => scope === "own");
}

function grantOf(grants: Grants, noun: Noun, verb: Verb): Scope | undefined {
  const verbs = grants[noun] ?? grants["*"];
  return verbs?.[verb] ?? verbs?.["*"];
}
