import type { DockerChain, DockerRule, HostState } from '../host/model.js';
import { isForwarded } from '../lab/has.js';
import type { Bridge, Lab } from '../lab/model.js';
import { dockerChain } from '../lab/names.js';
import { staticCidrs } from './bridge-addresses.js';
import { bridgeName } from './links.js';
import type { Action, Step } from './model.js';
import type { PlanProblem } from './problems.js';

// Docker lets the host drop what is forwarded, and a drop is final: a table of our own cannot help. DOCKER-USER is the
// chain that it keeps for rules of others. One commented rule there leads to a chain of the bridge's own, since no single
// rule accepts what goes out by a bridge and what comes in by it. What is not asked for our own table has dropped.

/** Let pass what a bridge forwards, where the lab says so; and no longer where it does not. */
export function planDocker(lab: Lab, host: HostState, problems: PlanProblem[]): Step[] {
  const wanted = lab.bridges.filter(({ docker }) => docker === 'allow');
  const comments = new Set(wanted.map(({ alias }) => alias));
  return [
    ...removeDocker(lab.name, host, ({ comment }) => !comments.has(comment)),
    ...wanted.flatMap(bridge => allow(bridge, host, problems)),
  ];
}

function allow(bridge: Bridge, host: HostState, problems: PlanProblem[]): Step[] {
  const families = new Set(staticCidrs(bridge).map(cidr => (cidr.includes(':') ? 6 : 4)));
  const chains = host.docker.filter(({ family }) => families.has(family));
  if (chains.length === 0)
    problems.push({
      code: 'conflict',
      message: `bridges.${bridge.name}.docker: this host has no chain DOCKER-USER to put a rule in`,
      fix: 'Start Docker first, which makes that chain; without Docker, take "docker" out of the lab file.',
    });
  const name = bridgeName(bridge, host);
  return chains.flatMap(chain => {
    const there = chain.rules.filter(({ comment }) => comment === bridge.alias);
    if (there.length === 1 && there[0]?.bridge === name) return [];
    const rule: DockerRule = {
      comment: bridge.alias,
      chain: dockerChain(bridge.alias),
      bridge: name,
    };
    return [
      {
        title: `let pass ${name} in DOCKER-USER of ${chain.program}`,
        why:
          there.length > 0
            ? 'the rule that is there is another'
            : 'Docker has the host drop what it does not know',
        do: [...there.map(old => remove(chain, old)), add(chain, rule)],
        undo: [
          remove(chain, rule),
          ...there.filter(({ bridge: it }) => it !== null).map(old => add(chain, old)),
        ],
      },
    ];
  });
}

/** Take our rules out of DOCKER-USER, found by their comments. */
export function removeDocker(
  lab: string,
  host: HostState,
  isGone: (rule: DockerRule) => boolean = () => true,
): Step[] {
  return host.docker.flatMap(chain =>
    chain.rules
      .filter(rule => rule.comment.startsWith(`vmnet:${lab}:`) && isGone(rule))
      .map(rule => ({
        title: `take the rule ${rule.comment} out of DOCKER-USER of ${chain.program}`,
        why: 'nothing is left that needs it',
        do: [remove(chain, rule)],
        undo: rule.bridge === null ? [] : [add(chain, rule)],
      })),
  );
}

const add = ({ program }: DockerChain, { comment, chain, bridge }: DockerRule): Action => ({
  kind: 'iptables',
  program,
  script: script(
    `:${chain} - [0:0]`,
    `-A ${chain} -i ${bridge} -j ACCEPT`,
    `-A ${chain} -o ${bridge} -j ACCEPT`,
    `-I DOCKER-USER 1 ${rule(comment, chain)}`,
  ),
});

const remove = ({ program }: DockerChain, { comment, chain }: DockerRule): Action => ({
  kind: 'iptables',
  program,
  script: script(`-D DOCKER-USER ${rule(comment, chain)}`, `-F ${chain}`, `-X ${chain}`),
});

const rule = (comment: string, chain: string) => `-m comment --comment "${comment}" -j ${chain}`;

const script = (...lines: string[]) => ['*filter', ...lines, 'COMMIT', ''].join('\n');

/** Chains of the host that can drop what the lab has forwarded: a rule of ours cannot overrule them. */
export function dropNotes(lab: Lab, host: HostState): string[] {
  const asking = lab.bridges.filter(bridge => isForwarded(bridge) && bridge.docker === 'keep');
  const all = lab.bridges.filter(isForwarded);
  const docker = new Set(host.docker.map(({ family }) => (family === 4 ? 'ip' : 'ip6')));
  return host.forwardDrops.flatMap(({ family, where, drops }) => {
    // In that family the rule in DOCKER-USER comes first.
    const concerned = (docker as Set<string>).has(family) ? asking : all;
    if (concerned.length === 0) return [];
    const [first = '', ...more] = drops;
    return [
      `${where} may drop what ${concerned.map(({ name }) => name).join(', ')} forwards: ${first}${more.length > 0 ? ` and ${more.length} more` : ''}. If it is Docker's, "docker": "allow" on the bridge lets it pass; else allow it there`,
    ];
  });
}
