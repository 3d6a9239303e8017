/** Who a workspace belongs to, as `data.coder_workspace_owner` shows them. */
export interface Owner {
  readonly id: string;
  readonly name: string;
  readonly fullName: string;
  readonly email: string;
  readonly loginType: string;
  readonly groups: readonly string[];
  readonly roles: readonly { readonly name: string; readonly organizationId: string }[];
  readonly sshPublicKey: string;
  readonly sshPrivateKey: string;
  readonly sessionToken: string;
  readonly oidcAccessToken: string;
}

/** What a build is for. */
export type Transition = "start" | "stop" | "delete";

/** An agent as the provider has just made it. */
export interface NewAgent {
  readonly id: string;
  readonly token: string;
  readonly operatingSystem: string;
  readonly architecture: string;
}

/** What one build tells the provider: one socket serves one build, so nothing of it is looked up anywhere. */
export interface BuildContext {
  readonly transition: Transition;
  /** An import has no values yet: required parameters then take a placeholder. */
  readonly purpose: "import" | "build";
  readonly workspace: { readonly id: string; readonly name: string };
  readonly template: { readonly id: string; readonly name: string; readonly version: string };
  readonly owner: Owner;
  readonly accessUrl: string;
  readonly parameters: ReadonlyMap<string, string>;
  /** Values of the build before, against which `monotonic` is judged. */
  readonly previousParameters: ReadonlyMap<string, string>;
  /** The script that starts an agent of that system. */
  readonly initScript: (operatingSystem: string, architecture: string) => string;
  /** Heard before Terraform hears of the agent. */
  readonly onAgent: (agent: NewAgent) => void;
}
