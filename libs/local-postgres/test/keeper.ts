import { argv, stdout } from "node:process";
import { startLocalPostgres } from "@berth/local-postgres";

// A program that keeps a server in the folder it is given, until it is killed.
const server = await startLocalPostgres({ folder: argv[2] ?? "", durable: false });
stdout.write(`server ${server.pid}\n`);
