import type { Membership } from "../membership-seam.ts";
import { type MembershipConfig, membershipConfig } from "./config.ts";
import { ClusterMember } from "./member.ts";
import { announcedRelay, checkRelayUrl } from "./relay-url.ts";

export { membershipConfig, type MembershipConfig } from "./config.ts";
export { REPLICA_HEADER } from "./ask-identity.ts";

/** How a process of services joins the cluster: through a replica registry, its own unless another is named. */
export const clusterMembership: Membership<MembershipConfig> = {
  config: membershipConfig,
  check: checkRelayUrl,
  async join(context) {
    const { url, notes, warnings } = announcedRelay(context.config, context.process);
    for (const note of notes) context.log.info(note);
    for (const warning of warnings) context.log.warn(warning);
    const member = new ClusterMember(context, url);
    await member.join();
    return member;
  },
};
