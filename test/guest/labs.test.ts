import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lab } from '../../src/lab/model.js';
import { nicsOf } from '../../src/lab/nics.js';
import type { Ping } from '../../src/sandbox/ping.js';
import { intentOf } from '../../src/verify/intent.js';
import { isGood } from '../../src/verify/model.js';
import { labFrom } from '../fakes/labs.js';
import { type Rehearsed, rehearse } from '../support/rehearsed.js';

// Every lab that vmnet comes with is played through, as a person would who has just got it.

const FOLDER = new URL('../../templates/labs/', import.meta.url);
/** Two, since each emulates guests and there may be no more processors. */
const AT_ONCE = 2;

const fileOf = (name: string) => fileURLToPath(new URL(`${name}.json`, FOLDER));

const names = readdirSync(FOLDER)
  .filter(file => file.endsWith('.json'))
  .map(file => file.slice(0, -'.json'.length))
  .sort();

interface Run {
  readonly name: string;
  readonly ended: Promise<Rehearsed>;
  readonly end: (result: Promise<Rehearsed>) => void;
}

const runs: readonly Run[] = names.map(name => {
  let end: Run['end'] = () => {};
  const ended = new Promise<Rehearsed>(resolve => {
    end = resolve;
  });
  ended.catch(() => {}); // the test that awaits it fails
  return { name, ended, end };
});

const rehearsed = (name: string) => runs.find(run => run.name === name)?.ended as Promise<Rehearsed>;

let began = 0;

beforeAll(() => {
  began = performance.now();
  const waiting = [...runs];
  const lane = async () => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
      const result = rehearse(fileOf(run.name));
      run.end(result);
      await result.catch(() => {});
    }
  };
  for (let i = 0; i < AT_ONCE; i++) void lane();
});

const times: string[] = [];

afterAll(() => {
  const whole = ((performance.now() - began) / 1000).toFixed(0);
  console.log(`labs rehearsed, ${AT_ONCE} at a time, in ${whole} s: ${times.join(', ')}`);
});

/** The verdict that each NIC is meant to get. */
const meant = (lab: Lab) =>
  nicsOf(lab).map(nic => {
    const bridge = lab.bridges.find(({ name }) => name === nic.bridge);
    return `${nic.vm} ${nic.index} ${intentOf(bridge?.mode ?? 'bridged')}`;
  });

describe.each(names)('the lab %s', name => {
  const text = readFileSync(fileOf(name), 'utf8');

  it('is called as its file, and says in its first line what it is', () => {
    expect(labFrom(text).name).toBe(name);
    expect(text).toMatch(/^\/\/ \S.{20,}\n/);
  });

  it('is rehearsed: each verdict is that which it means, a second run changes nothing, and nothing is left', async () => {
    const { pid, code, seconds, json, stderr } = await rehearsed(name);
    times.push(`${name} ${seconds.toFixed(0)} s`);
    expect(json?.error, stderr).toBeNull();
    const { checks, pings, secondRun, left, faults } = json;
    type Seen = { name: string; vm: string; nic: number; verdict: 'ok'; reason: string | null };
    expect(checks.filter((check: Seen) => !isGood(check))).toEqual([]);
    const paths = checks.filter((check: Seen) => check.name === 'path');
    expect(paths.map(({ vm, nic, verdict }: Seen) => `${vm} ${nic} ${verdict}`).sort()).toEqual(
      meant(labFrom(text)).sort(),
    );
    expect(checks.length).toBeGreaterThan(0);
    expect(pings.filter((ping: Ping) => ping.received > 0 !== ping.answers)).toEqual([]);
    expect(pings.filter((ping: Ping) => ping.answers)).not.toEqual([]);
    expect({ secondRun, left, faults, code }).toEqual({
      secondRun: { changed: 0 },
      left: [],
      faults: [],
      code: 0,
    });
    expect(existsSync(`/run/vmnet/sandboxes/rehearse-${pid}.json`)).toBe(false);
  });
});

/** What a lab is there to show, beside its verdicts: `FROM TO`, answered or not. */
const SHOWN: Readonly<Record<string, readonly (readonly [from: string, who: string, answers: boolean])[]>> = {
  isolated: [['the LAN', 'left', false]],
  namespaces: [
    ['client', 'web', true],
    ['the LAN', 'web', false],
  ],
  nat: [
    ['client', 'the LAN', true],
    ['the LAN', 'client', false],
    ['the LAN', 'web', false],
    ['client', 'web', false],
  ],
  quickstart: [['the LAN', 'web', true]],
  routed: [
    ['client', 'the LAN', true],
    ['the LAN', 'web', true],
    ['the LAN', 'client', true],
  ],
  router: [
    ['left', 'right', true],
    ['right', 'left', true],
    ['the LAN', 'left', false],
  ],
  tenants: [['the LAN', 'red', true]],
  veth: [
    ['left', 'right', true],
    ['right', 'left', true],
  ],
};

describe('what a lab is there for', () => {
  it.each(Object.keys(SHOWN))('%s: who reaches whom, and who does not', async name => {
    const { pings } = (await rehearsed(name)).json;
    for (const [from, who, answers] of SHOWN[name] ?? []) {
      const asked = pings.filter((ping: Ping) => ping.from === from && ping.who === who);
      expect(asked, `${from} → ${who}`).not.toEqual([]);
      for (const { received } of asked) expect(received > 0, `${from} → ${who}`).toBe(answers);
    }
  });

  it('tenants: kept apart, and nothing forged gets in', async () => {
    const { checks } = (await rehearsed('tenants')).json;
    for (const kind of ['isolation', 'rules', 'anti-spoof']) {
      const found = checks.filter((check: { name: string }) => check.name === kind);
      expect(found.map(({ vm, verdict }: { vm: string; verdict: string }) => `${vm} ${verdict}`)).toEqual([
        'red ok',
        'green ok',
        'blue ok',
      ]);
    }
  });
});
