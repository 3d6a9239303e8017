/** A template whose one resource runs a shell command while it is made, so that its build has a log to follow. */
export const talkingTemplate = (command: string): string => `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
resource "terraform_data" "talk" {
  count = data.coder_workspace.me.start_count
  provisioner "local-exec" {
    command = ${JSON.stringify(command)}
  }
}
`;
