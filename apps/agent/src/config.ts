import { flag, path, secret, section, url } from "@berth/config";
import type { Secret } from "@berth/std";

export interface AgentConfig {
  readonly url: URL;
  readonly token: Secret;
  readonly logFolder: string | undefined;
  readonly detach: boolean;
}

export const agentConfig = section<AgentConfig>({
  url: url("CODER_AGENT_URL", "The control plane as this workspace reaches it", { required: true }),
  token: secret("CODER_AGENT_TOKEN", "The token that the template gave this agent", { required: true }),
  logFolder: path(
    "CODER_AGENT_LOG_DIR",
    "Folder for the logs of scripts and of a detached agent; by default the folder it is started in",
    { flag: "log-dir" },
  ),
  detach: flag("CODER_AGENT_DETACH", false, "Go on in the background, in a session of its own", {
    flag: "detach",
  }),
});
