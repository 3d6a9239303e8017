import { type Command, Option } from "commander";
import { contextOf } from "../cli-context.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

/** `completion`: a script for the shell, made from the commands as they are. */
export function addCompletion(program: Command): void {
  program
    .command("completion")
    .description("print a completion script: source it from your shell's start-up file")
    .addOption(new Option("-s, --shell <shell>", "which shell").choices(SHELLS).default("bash"))
    .option("-p, --print", "accepted for scripts")
    .action(({ shell }: { shell: (typeof SHELLS)[number] }, command: Command) => {
      contextOf(command).terminal.print(scripts[shell](wordsOf(program)));
    });
}

/** What may follow each chain of commands: `""` is the program itself. */
type Words = ReadonlyMap<string, readonly string[]>;

function wordsOf(command: Command, chain: readonly string[] = []): Words {
  const own = [
    ...command.commands.map((child) => child.name()),
    ...command.options.filter((option) => !option.hidden).flatMap((option) => option.long ?? []),
  ];
  return new Map([
    [chain.join(" "), own],
    ...command.commands.flatMap((child) => [...wordsOf(child, [...chain, child.name()])]),
  ]);
}

const cases = (words: Words, line: (chain: string, next: string) => string) =>
  [...words].map(([chain, next]) => line(chain, next.join(" "))).join("\n");

const scripts: Readonly<Record<(typeof SHELLS)[number], (words: Words) => string>> = {
  bash: (words) => `_berth() {
  local chain="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do [[ $word == -* ]] || chain="\${chain:+$chain }$word"; done
  case "$chain" in
${cases(words, (chain, next) => `    "${chain}") COMPREPLY=($(compgen -W "${next}" -- "\${COMP_WORDS[COMP_CWORD]}")) ;;`)}
  esac
}
complete -F _berth berth coder`,
  zsh: (words) => `#compdef berth coder
_berth() {
  local chain="" word
  for word in "\${words[@]:1:CURRENT-2}"; do [[ $word == -* ]] || chain="\${chain:+$chain }$word"; done
  case "$chain" in
${cases(words, (chain, next) => `    "${chain}") compadd -- ${next} ;;`)}
  esac
}
compdef _berth berth coder`,
  fish: (words) =>
    ["berth", "coder"]
      .flatMap((name) =>
        [...words].map(
          ([chain, next]) =>
            `complete -c ${name} -f -n 'test (string join " " (string match -v -- "-*" (commandline -opc)[2..])) = "${chain}"' -a '${next.join(" ")}'`,
        ),
      )
      .join("\n"),
};
