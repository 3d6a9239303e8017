import { programArguments } from "@berth/config";
import { main } from "./index.ts";

main(programArguments());
