import type { SiteRole } from "@berth/http-api";
import { invalid } from "../http/problem.ts";
import type { Caller } from "../identity/caller.ts";

/** Only an owner makes owners: nobody raises another above themselves. */
export function mayGive(caller: Caller, role: SiteRole): boolean {
  return role !== "owner" || caller.roles.includes("owner");
}

/** The roles to store: everybody is a member without it being said. @throws Problem 400 */
export function rolesGiven(caller: Caller, roles: readonly SiteRole[]): SiteRole[] {
  const forbidden = roles.find((role) => !mayGive(caller, role));
  if (forbidden !== undefined) throw invalid("roles", `You may not give the role "${forbidden}".`);
  return [...new Set(roles.filter((role) => role !== "member"))];
}

/** In paths `me` is whoever asks: nobody could be reached by it. @throws Problem 400 */
export function usernameOf(username: string): string {
  if (username.toLowerCase() !== "me") return username;
  throw invalid("username", "This name is reserved.");
}

/** What the login type asks for. @throws Problem 400 */
export function passwordFor(
  loginType: "password" | "none",
  password: string | undefined,
): string | undefined {
  if (loginType === "password" && password === undefined)
    throw invalid("password", "A user who logs in with a password needs one.");
  if (loginType === "none" && password !== undefined)
    throw invalid("password", "A user who cannot log in has no password.");
  return password;
}
