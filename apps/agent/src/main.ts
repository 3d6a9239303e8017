import { programArguments } from "@berth/config";
import { startAgent } from "./index.ts";

startAgent(programArguments());
