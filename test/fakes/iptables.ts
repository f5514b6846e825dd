import type { DockerChain, DockerRule } from '../../src/host/model.js';

/** As much of `iptables-restore` as our rules in DOCKER-USER take; what is not there fails, and then nothing is changed. */
export function restore(chains: DockerChain[], program: string, script: string): void {
  const at = chains.findIndex(chain => chain.program === program);
  const chain = chains[at];
  if (!chain) throw new Error(`${program} has no DOCKER-USER`);
  let rules: DockerRule[] = [...chain.rules];
  const lines = script.split('\n');
  const bridge = lines.map(line => / -o (\S+) -j ACCEPT$/.exec(line)?.[1]).find(name => name) ?? null;
  for (const line of lines) {
    const [, verb, comment = '', target = ''] =
      /^-([ID]) DOCKER-USER .*--comment "(.+)" -j (\S+)$/.exec(line) ?? [];
    if (verb === 'I') rules = [{ comment, chain: target, bridge }, ...rules];
    if (verb !== 'D') continue;
    if (!rules.some(rule => rule.comment === comment)) throw new Error(`there is no rule ${comment}`);
    rules = rules.filter(rule => rule.comment !== comment);
  }
  chains[at] = { ...chain, rules };
}
