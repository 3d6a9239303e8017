import { run } from "@berth/runtime";
import { replicaRegistry } from "./index.ts";

run([replicaRegistry]);
