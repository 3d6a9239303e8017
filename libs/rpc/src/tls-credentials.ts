import { type Socket, isIP } from "node:net";
import { connect } from "node:tls";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";

/**
 * TLS to a host. grpc-js would name an address in the handshake, where only names are allowed (RFC 6066): Node warns of it on
 * stderr and will ignore it. The certificate is checked for the address all the same.
 */
export function tlsCredentials(host: string): ChannelCredentials {
  const made = credentials.createSsl();
  const address = host.replace(/^\[|\]$/g, "");
  if (isIP(address) === 0) return made;
  const connectorOf = made._createSecureConnector.bind(made);
  made._createSecureConnector = (...channel) => {
    const connector = connectorOf(...channel);
    return {
      connect: (socket) => secure(socket, address),
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    };
  };
  return made;
}

function secure(socket: Socket, host: string): Promise<{ socket: Socket; secure: boolean }> {
  return new Promise((resolve, reject) => {
    const tls = connect({ socket, host, ALPNProtocols: ["h2"] }, () =>
      resolve({ socket: tls, secure: true }),
    );
    tls.once("error", reject);
  });
}
