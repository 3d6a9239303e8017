import { isatty } from "node:tty";
import { ConfigError } from "@berth/config";
import { messageOf } from "@berth/std";
import { type DestinationStream, pino } from "pino";
import type { TelemetryConfig } from "./config.ts";

/** Opens what the configuration names; with nothing named, stderr: for people on a terminal, JSON otherwise. */
export async function openOutputs({ human, json }: TelemetryConfig): Promise<DestinationStream> {
  const nothing = human === undefined && json === undefined;
  const terminal = isatty(2);
  const forPeople = nothing && terminal ? "/dev/stderr" : human;
  const asJson = nothing && !terminal ? "/dev/stderr" : json;
  const outputs = [
    ...(forPeople === undefined ? [] : [await openPretty(forPeople)]),
    ...(asJson === undefined ? [] : [openFile("CODER_LOGGING_JSON", asJson)]),
  ];
  return { write: (line) => outputs.forEach((output) => output.write(line)) };
}

async function openPretty(file: string): Promise<DestinationStream> {
  const destination = openFile("CODER_LOGGING_HUMAN", file);
  const { prettyFactory } = await import("pino-pretty"); // most processes write JSON and need not load it
  const format = prettyFactory({
    colorize: file === "/dev/stderr" && isatty(2),
    translateTime: "SYS:HH:MM:ss.l",
    ignore: "pid,hostname",
    errorLikeObjectKeys: ["error"],
  });
  return { write: (line) => destination.write(format(JSON.parse(line))) };
}

function openFile(variable: string, file: string): DestinationStream {
  try {
    // written synchronously, so that the line about the end is there after the end
    return pino.destination({ dest: descriptorOf(file), sync: true, mkdir: true, append: true });
  } catch (error) {
    const mend = "Name a file that can be written, /dev/stderr or /dev/stdout";
    throw new ConfigError([
      { variable, value: file, expected: `it cannot be opened (${messageOf(error)})`, mend },
    ]);
  }
}

/** /dev/stderr cannot be opened again when it is a socket, as it is under some supervisors; its descriptor always can. */
function descriptorOf(file: string): string | number {
  if (file === "/dev/stderr") return 2;
  return file === "/dev/stdout" ? 1 : file;
}
