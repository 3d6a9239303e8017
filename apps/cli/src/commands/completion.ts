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

/** What may follow each chain of commands: `""` is the program itself. Aliases lead where their command does. */
type Words = ReadonlyMap<string, readonly string[]>;

function wordsOf(command: Command, chain: readonly string[] = []): Words {
  const own = [
    ...command.commands.map((child) => child.name()),
    ...command.options.filter((option) => !option.hidden).flatMap((option) => option.long ?? []),
  ];
  return new Map([
    [chain.join(" "), own],
    ...command.commands.flatMap((child) =>
      [child.name(), ...child.aliases()].flatMap((name) => [...wordsOf(child, [...chain, name])]),
    ),
  ]);
}

const cases = (words: Words, line: (chain: string, next: string) => string) =>
  [...words].map(([chain, next]) => line(chain, next.join(" "))).join("\n");

// Each goes along the words that were typed, as far as they are commands: flags, their values and names are stepped over.
const posixWords = (words: Words) => `_berth_words() {
  case "$1" in
${cases(words, (chain, next) => `    "${chain}") echo "${next}" ;;`)}
    *) return 1 ;;
  esac
}`;

const scripts: Readonly<Record<(typeof SHELLS)[number], (words: Words) => string>> = {
  bash: (words) => `${posixWords(words)}
_berth() {
  local chain="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    _berth_words "\${chain:+$chain }$word" >/dev/null && chain="\${chain:+$chain }$word"
  done
  COMPREPLY=($(compgen -W "$(_berth_words "$chain")" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _berth berth coder`,
  zsh: (words) => `#compdef berth coder
${posixWords(words)}
_berth() {
  local chain="" word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    _berth_words "\${chain:+$chain }$word" >/dev/null && chain="\${chain:+$chain }$word"
  done
  compadd -- \${=$(_berth_words "$chain")}
}
compdef _berth berth coder`,
  fish: (words) => `function __berth_words
  switch "$argv[1]"
${cases(words, (chain, next) => `    case '${chain}'\n      echo '${next}'`)}
    case '*'
      return 1
  end
end
function __berth_complete
  set -l chain ''
  for word in (commandline -opc)[2..]
    set -l next (string trim -- "$chain $word")
    __berth_words "$next" >/dev/null; and set chain "$next"
  end
  __berth_words "$chain" | string split ' '
end
complete -c berth -f -a '(__berth_complete)'
complete -c coder -f -a '(__berth_complete)'`,
};
