import { computed } from "./schema.ts";
import type { DataSource } from "./resource.ts";

/** `data.coder_workspace`: the workspace that is being built. */
export const workspace: DataSource = {
  block: {
    attributes: {
      id: computed("string", "Id of the workspace"),
      name: computed("string", "Name of the workspace"),
      transition: computed("string", "start, stop or destroy"),
      start_count: computed(
        "number",
        "1 while the workspace starts, else 0: the count of what lives only while it runs",
      ),
      access_url: computed("string", "Where the deployment is reached"),
      access_port: computed("number", "Port of the access URL"),
      template_id: computed("string", "Id of the template"),
      template_name: computed("string", "Name of the template"),
      template_version: computed("string", "Name of the template's version"),
      is_prebuild: computed("bool", "Whether nobody owns it yet"),
      is_prebuild_claim: computed("bool", "Whether this build hands it to its first owner"),
      prebuild_count: computed("number", "1 for a prebuild, else 0"),
    },
    blocks: {},
  },
  validate: () => [],
  read: (_config, build) => ({
    findings: [],
    value: {
      id: build.workspace.id,
      name: build.workspace.name,
      transition: build.transition === "delete" ? "destroy" : build.transition,
      start_count: build.transition === "start" ? 1 : 0,
      access_url: build.accessUrl,
      access_port: portOf(build.accessUrl),
      template_id: build.template.id,
      template_name: build.template.name,
      template_version: build.template.version,
      is_prebuild: false,
      is_prebuild_claim: false,
      prebuild_count: 0,
    },
  }),
};

function portOf(accessUrl: string): number {
  const url = URL.parse(accessUrl);
  if (url === null) return 0;
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? 443 : 80;
}
