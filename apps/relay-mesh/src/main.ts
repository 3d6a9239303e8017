import { run } from "@berth/runtime";
import { relayMesh } from "./index.ts";

run([relayMesh]);
