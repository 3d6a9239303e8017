import { run } from "@berth/runtime";
import { api } from "./index.ts";

run([api]);
