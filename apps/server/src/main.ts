import { main } from "./index.ts";

main(process.argv.slice(2));
