import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linkLocal } from '../../src/lab/drops.js';
import { Box } from '../support/box.js';
import {
  type Cast,
  type Forgery,
  forgedAddresses,
  forgedAuthority,
  forgedMacs,
  honest,
  markOf,
} from '../support/forgeries.js';
import { Listener, TapEnd } from '../support/tap-end.js';

// Hostile frames out of real taps, and a listener on the LAN: what is forged never gets there, and is counted; what is
// honest does.

let box: Box;
let lan: Listener;
const ends: TapEnd[] = [];

const MAC = (n: number) => `52:54:00:00:00:5${n}`;

/** Who `own` is; all know the same victim. */
const castOf = (n: number): Cast => ({
  own: { mac: MAC(n), ip: `192.0.2.5${n}` },
  own6: { mac: MAC(n), ip: `fd00:db8::5${n}` },
  linkLocal: { mac: MAC(n), ip: linkLocal(MAC(n)) },
  victim: { mac: '52:54:00:00:00:99', ip: '192.0.2.99' },
  victim6: { mac: '52:54:00:00:00:99', ip: 'fd00:db8::99' },
  lan: { mac: '02:00:00:00:00:01', ip: '192.0.2.1' },
  lan6: { mac: '02:00:00:00:00:01', ip: 'fd00:db8::1' },
});

const GUARD = ['dhcp', 'ra', 'bpdu'];

const nic = (n: number, keys: object) => ({
  boot: 'probe',
  nics: [
    {
      bridge: 'br0',
      mac: MAC(n),
      tap: `t${n}`,
      address: [`192.0.2.5${n}/24`, `fd00:db8::5${n}/64`],
      ...keys,
    },
  ],
});

const NICS = {
  strict: nic(1, { antiSpoof: 'ip' }),
  loose: nic(2, { antiSpoof: 'mac' }),
  guarded: nic(3, { guard: GUARD }),
  free: nic(4, {}),
  all: nic(5, { antiSpoof: 'ip', guard: GUARD }),
};

beforeAll(async () => {
  box = await Box.up();
  const file = await box.lab({
    name: 'ports',
    bridges: { br0: { uplink: 'eth0', bridgeNetfilter: 'off', multicastSnooping: false } },
    vms: NICS,
  });
  expect((await box.vmnet('provision', '--network-only', file)).json.error).toBeNull();
  expect((await box.vmnet('provision', '--network-only', file)).json.changed).toBe(0);
  for (const n of [1, 2, 3, 4, 5]) ends.push(await TapEnd.open(box, `t${n}`));
  lan = await Listener.on(box, 'lan0');
});

afterAll(async () => {
  await Promise.all([...ends, lan].map(it => it?.close()));
  await box?.down();
});

const end = (n: number) => ends[n - 1] as TapEnd;

/** Drops of each kind at a tap, as nft counts them. */
async function drops(tap: string): Promise<Record<string, number>> {
  const { nftables } = JSON.parse(await box.run('nft', '-j', 'list', 'sets'));
  const found: Record<string, number> = {};
  for (const { set } of nftables)
    for (const { elem } of set?.name.startsWith('dropped_') ? (set.elem ?? []) : [])
      if (elem.val === tap) found[set.name.slice('dropped_'.length)] = elem.counter.packets;
  return found;
}

/** A frame that is let through by every rule, behind all others: when it is there, they have had their time. */
async function settled(n: number) {
  const [last] = honest(castOf(n));
  if (!last) throw new Error('there is nothing honest');
  end(n).send(last.frame);
  for (let i = 0; i < 600 && lan.heard(markOf(last.frame)) === 0; i++) await sleep(25);
  const complaints = end(n).port.complaints;
  expect([lan.heard(markOf(last.frame)), complaints], 'the honest frame behind the others').toEqual([1, '']);
}

/** Each alone, so that its counter is known to be its own. */
async function isDropped(n: number, forgeries: readonly Forgery[]) {
  const reached: string[] = [];
  const uncounted: string[] = [];
  for (const { what, kind, frame } of forgeries) {
    const before = await drops(`t${n}`);
    end(n).send(frame);
    await settled(n);
    const after = await drops(`t${n}`);
    if (lan.heard(markOf(frame)) > 0) reached.push(what);
    const others = Object.keys(after).filter(it => it !== kind && after[it] !== before[it]);
    if (after[kind] !== (before[kind] ?? 0) + 1 || others.length > 0)
      uncounted.push(`${what}: ${kind} ${before[kind]} → ${after[kind]} ${others}`);
  }
  expect({ reached, uncounted }).toEqual({ reached: [], uncounted: [] });
}

async function passes(n: number, frames: readonly { what: string; frame: Uint8Array }[]) {
  const before = await drops(`t${n}`);
  for (const { frame } of frames) end(n).send(frame);
  await settled(n);
  const missing = frames.filter(({ frame }) => lan.heard(markOf(frame)) !== 1).map(({ what }) => what);
  expect({ missing, drops: await drops(`t${n}`) }).toEqual({ missing: [], drops: before });
}

describe('antiSpoof "ip"', () => {
  it('lets all honest frames pass', () => passes(1, honest(castOf(1))));
  it('drops and counts forged MACs', () => isDropped(1, forgedMacs(castOf(1))));
  it('drops and counts forged addresses', () => isDropped(1, forgedAddresses(castOf(1))));
});

describe('antiSpoof "mac"', () => {
  it('lets all honest frames pass, and those from other addresses', () =>
    passes(2, [...honest(castOf(2)), ...forgedAddresses(castOf(2))]));
  it('drops and counts forged MACs', () => isDropped(2, forgedMacs(castOf(2))));
});

describe('guard', () => {
  it('lets all honest frames pass', () => passes(3, honest(castOf(3))));
  it('drops and counts what only servers and routers send', () => isDropped(3, forgedAuthority(castOf(3))));
});

describe('no rule', () => {
  it('lets everything pass, so the others were dropped by theirs', async () => {
    const cast = castOf(4);
    // As an ordinary bridge, it takes none for its own, and forwards BPDUs.
    await passes(4, [
      ...honest(cast),
      ...forgedMacs(cast),
      ...forgedAddresses(cast),
      ...forgedAuthority(cast),
    ]);
  });
});

describe('all rules at once', () => {
  it('lets all honest frames pass', () => passes(5, honest(castOf(5))));
  it('drops all that is forged', async () => {
    const cast = castOf(5);
    for (const { frame } of [...forgedMacs(cast), ...forgedAddresses(cast), ...forgedAuthority(cast)])
      end(5).send(frame);
    const before = lan.frames().length;
    await settled(5);
    // The honest one alone.
    expect(lan.frames().length - before).toBe(1);
  });
});
