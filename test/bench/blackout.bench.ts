import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Action } from '../../src/plan/model.js';
import { Box } from '../support/box.js';
import { answering, type Probed, probedDuring } from './blackout/probing.js';
import { ROUNDS, report } from './report.js';

// How long a host is silent while its only NIC becomes a bridge's port: probes from the LAN to both of its addresses.

const ADDRESSES = ['192.0.2.2', 'fd00:db8::2'];

let box: Box;
let end: () => Promise<string>;

beforeEach(async () => {
  box = await Box.up();
  end = await answering(box);
});

afterEach(async () => {
  await end?.();
  await box?.down();
});

const lab = () => box.lab({ name: 'moving', bridges: { br0: { uplink: 'eth0' } }, vms: {} });

const vmnet = async (...words: string[]) => {
  const answer = await box.vmnet(...words);
  expect(answer.json.error).toBeNull();
  return answer.json;
};

/** One row a family and way: the sum of all rounds, and the longest gap of any. */
function rows(way: string, rounds: readonly Probed[][]) {
  return ADDRESSES.map((address, i) => {
    const all = rounds.flatMap(round => round[i] ?? []);
    const sum = (of: (probed: Probed) => number) => all.reduce((total, probed) => total + of(probed), 0);
    const longest = (of: (probed: Probed) => number) => Math.round(Math.max(...all.map(of)) * 10) / 10;
    return {
      way,
      family: address.includes(':') ? 'IPv6' : 'IPv4',
      sent: sum(probed => probed.sent),
      lost: sum(probed => probed.lost),
      'longest gap, ms': longest(probed => probed.longestGapMs),
      'sender paused, ms': longest(probed => probed.spacingMs),
    };
  });
}

/** Actions as a shell script that runs one `ip` for each line. */
const separately = (actions: readonly Action[]): string =>
  actions
    .flatMap(action => {
      switch (action.kind) {
        case 'ip':
          return action.lines.map(line => `ip ${action.family === 6 ? '-6 ' : ''}${line}`);
        case 'sysctl':
          return [`echo ${action.value} > /proc/sys/${action.path}`];
        case 'delete-links':
          return action.links.map(({ altname }) => `ip link del dev ${altname}`);
        default:
          throw new Error(`a network plan has no ${action.kind}`);
      }
    })
    .join('\n');

it('blackout of the move of an uplink', async () => {
  const file = await lab();
  const { plan } = await vmnet('plan', '--network-only', file);
  const steps: { do: Action[]; undo: Action[] }[] = plan.phases.flatMap(
    (phase: { steps: unknown[] }) => phase.steps,
  );
  const there = separately(steps.flatMap(step => step.do));
  const back = separately(steps.toReversed().flatMap(step => step.undo));
  const ways: Record<string, () => Promise<unknown>> = {
    'nothing moves': () => new Promise(done => setTimeout(done, 500)),
    'vmnet provision': () => vmnet('provision', '--network-only', file),
    'vmnet destroy': () => vmnet('destroy', 'moving'),
    'an ip process for each line': () => box.run('sh', '-ec', there),
    'and back': () => box.run('sh', '-c', `${back}\ntrue`),
  };
  const probed = new Map<string, Probed[][]>(Object.keys(ways).map(way => [way, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [way, happens] of Object.entries(ways))
      probed.get(way)?.push(await probedDuring(box, ADDRESSES, happens));
  }
  report(
    'blackout',
    `a probe every 2 ms, ${ROUNDS} rounds`,
    [...probed].flatMap(([way, all]) => rows(way, all)),
  );
});
