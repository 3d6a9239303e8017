import { CodedError } from "@berth/std";
import type { provisioner } from "@berth/contract";
import type { Queryable } from "@berth/database";

interface OwnerRow {
  username: string;
  email: string;
  name: string;
  login_type: string;
  roles: string[];
  member_roles: string[] | null;
}

/** The user as Terraform's provider shows them to templates. */
export async function describeOwner(
  sql: Queryable,
  userId: string,
  organizationId: string,
): Promise<provisioner.Owner> {
  const [user] = await sql<OwnerRow[]>`
    select username, email, name, login_type, person.roles, member.roles as member_roles from api.user person
    left join api.organization_member member on member.user_id = person.id and member.organization_id = ${organizationId}
    where person.id = ${userId}`;
  if (user === undefined) throw new CodedError("not_found", `user ${userId} does not exist`);
  return {
    id: userId,
    username: user.username,
    email: user.email,
    fullName: user.name,
    loginType: user.login_type,
    groups: [],
    sshPublicKey: "",
    sshPrivateKey: "",
    sessionToken: "",
    oidcAccessToken: "",
    roles: [
      ...user.roles.map((name) => ({ name, organizationId: "" })),
      ...(user.member_roles ?? []).map((name) => ({ name, organizationId })),
    ],
  };
}
