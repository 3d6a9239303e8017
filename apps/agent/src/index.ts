export { SshServer, type SshServerOptions } from "./ssh/ssh-server.ts";
