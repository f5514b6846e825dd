import type { FirewallRule, HostState, Link } from '../host/model.js';
import type { Bridge } from '../lab/model.js';
import type { PlanProblem } from './problems.js';

/** What becomes of rules about an uplink, the worst first. */
const EFFECTS: readonly (readonly [FirewallRule['effect'], string])[] = [
  ['locks-out', 'Would lock out what they let in'],
  ['opens-up', 'Would let in what they keep out'],
  ['no-longer-applies', 'Would no longer apply'],
  ['sees-guests', "Would get the guests' frames as well, being attached to the port"],
];

/** How many rules a message quotes, and how much of each. */
const SHOWN = 6;
const LENGTH = 160;

/**
 * A rule that names the uplink sees nothing any more: what it let in is locked out, what it kept out comes in.
 * @param moves without addresses that move, only what is attached to the port matters
 */
export function rulesLeftBehind(
  bridge: Bridge,
  uplink: Link,
  moves: boolean,
  host: HostState,
): PlanProblem | null {
  const about = host.firewall.filter(
    ({ device, effect }) => device === uplink.name && (moves || effect === 'sees-guests'),
  );
  if (about.length === 0) return null;
  const ordered = EFFECTS.flatMap(([kind]) => about.filter(({ effect }) => effect === kind));
  const shown = ordered.slice(0, SHOWN);
  const groups = EFFECTS.flatMap(([kind, words]) => {
    const count = about.filter(({ effect }) => effect === kind).length;
    const lines = shown.filter(({ effect }) => effect === kind).map(quote);
    return count === 0
      ? []
      : [[`${words} (${count})`, ...(lines.length > 0 ? [lines.join('; ')] : [])].join(': ')];
  });
  const more = about.length > SHOWN ? [`${about.length - SHOWN} are not shown`] : [];
  const matched = about.some(({ effect }) => effect !== 'sees-guests');
  return {
    code: 'conflict',
    message: [
      `${bridge.name} would take the place of ${uplink.name}, about which the host has ${about.length === 1 ? 'a rule' : `${about.length} rules`}`,
      ...groups,
      ...more,
    ].join('. '),
    fix: matched
      ? `Let the rules name ${bridge.name} as well, then repeat the command with --yes.`
      : 'Take them off, or repeat the command with --yes if they may see those frames.',
  };
}

const quote = ({ where, text }: FirewallRule) => {
  const whole = `${where}: ${text}`;
  return whole.length > LENGTH ? `${whole.slice(0, LENGTH)}…` : whole;
};
