import { type Section, count, flag, section, text } from "@berth/config";

/** What the relay is told, beside the options of its process and its database. */
export interface RelayOptions {
  readonly enabled: boolean;
  readonly regionId: number;
  readonly regionCode: string;
  readonly regionName: string;
  readonly isOpen: boolean;
}

/** The relay's options. The relay URL and the drain's limits are the process's. */
export const relayConfig: Section<RelayOptions> = section({
  enabled: flag("CODER_DERP_SERVER_ENABLE", true, "Serve the embedded relay"),
  regionId: count("CODER_DERP_SERVER_REGION_ID", 999, "Region of the embedded relay in the relay map"),
  regionCode: text("CODER_DERP_SERVER_REGION_CODE", "berth", "Short name of the relay's region"),
  regionName: text("CODER_DERP_SERVER_REGION_NAME", "Berth Embedded Relay", "Name of the relay's region"),
  isOpen: flag(
    "CODER_DERP_SERVER_OPEN",
    false,
    "Let any DERP client use the relay, without a ticket of this deployment",
  ),
});
