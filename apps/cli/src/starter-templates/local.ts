const main = `terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

data "coder_provisioner" "me" {}
data "coder_workspace" "me" {}

# The agent is what you log in to. Without a "dir" a session starts in the workspace's home folder.
resource "coder_agent" "main" {
  os   = data.coder_provisioner.me.os
  arch = data.coder_provisioner.me.arch
}

# The workspace's folder: there from the first start until the workspace is deleted.
resource "terraform_data" "home" {
  input = data.coder_workspace.me.id

  provisioner "local-exec" {
    command = "sh ./workspace.sh make '\${self.input}'"
  }
  provisioner "local-exec" {
    when    = destroy
    command = "sh ./workspace.sh remove '\${self.input}'"
  }
}

# The agent's process: there while the workspace runs. A new agent (another token) replaces it.
resource "terraform_data" "process" {
  count            = data.coder_workspace.me.start_count
  input            = terraform_data.home.output
  triggers_replace = coder_agent.main.id

  provisioner "local-exec" {
    command = "sh ./workspace.sh start '\${self.input}'"
    environment = {
      AGENT_SCRIPT      = coder_agent.main.init_script
      CODER_AGENT_URL   = data.coder_workspace.me.access_url
      CODER_AGENT_TOKEN = nonsensitive(coder_agent.main.token) # or Terraform hides what the script says
    }
  }
  provisioner "local-exec" {
    when    = destroy
    command = "sh ./workspace.sh stop '\${self.input}'"
  }
}
`;

const script = `#!/bin/sh
# Makes, starts, stops and removes a workspace that is a process of this machine.
#   workspace.sh make|start|stop|remove <workspace id>
set -eu

id=$2
folder="\${XDG_DATA_HOME:-$HOME/.local/share}/berth/local/$id"
mark="BERTH_LOCAL_WORKSPACE=$id"

# Every process of the workspace carries the mark in its environment: no pid is kept that could go stale.
processes() {
  if [ -r /proc/self/environ ]; then
    grep -lsxzF "$mark" /proc/[0-9]*/environ | cut -d/ -f3
  else
    ps -axEww -o pid=,command= | grep -F " $mark" | grep -v grep | awk '{ print $1 }'
  fi || true
}

signal() {
  for process in $(processes); do kill -s "$1" "$process" 2>/dev/null || true; done
}

stop() {
  signal TERM
  tries=0
  while [ -n "$(processes)" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 50 ] || signal KILL
    sleep 0.1
  done
}

start() {
  stop # an agent whose state was lost would fight with the new one
  mkdir -p "$folder/home"
  cd "$folder/home"
  script=$AGENT_SCRIPT
  unset AGENT_SCRIPT XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME XDG_STATE_HOME
  # into a file: an agent that held Terraform's pipe would hold the build until it ends
  if ! env HOME="$folder/home" "$mark" sh -c "$script" </dev/null >"$folder/agent.log" 2>&1; then
    tail -n 20 "$folder/agent.log" >&2
    exit 1
  fi
}

case "$1" in
  make) mkdir -p "$folder/home" && chmod 700 "$folder" ;;
  start) start ;;
  stop) stop ;;
  remove) stop && rm -rf "$folder" ;;
  *) echo "workspace.sh: unknown: $1" >&2 && exit 64 ;;
esac
`;

const readme = `# Local process

Each workspace is a process of the machine that runs Berth, with a home folder of its own. It needs no cloud, no containers and no
network: it is there to try things out, and it isolates nothing. Whoever may create such a workspace may do what the user may who
runs the server.

- A workspace lives in \`$XDG_DATA_HOME/berth/local/<workspace id>\` (\`~/.local/share/berth/local/…\`): its home folder and \`agent.log\`.
- Stopping ends its processes and keeps the folder; deleting removes both.
- Its workspaces belong to the machine that built them first (\`berth.json\`).
- A folder that was left behind may simply be removed; an agent whose workspace is gone ends itself.

To go on: copy the folder, replace \`terraform_data.process\` by a container or a virtual machine whose environment holds
\`CODER_AGENT_TOKEN\` and whose start runs \`coder_agent.main.init_script\`, and remove \`berth.json\`.
`;

/** Runs each workspace as a process of this machine. */
export const local = {
  description: "Each workspace is a process of this machine: no cloud, no containers, no network",
  files: {
    "main.tf": main,
    "workspace.sh": script,
    "berth.json": `{ "runsOn": "machine" }\n`,
    "README.md": readme,
  },
};
