import type { Link } from '../../src/host/model.js';
import type { Scene } from '../../src/verify/causes/cause.js';
import { NO_DIAGNOSIS } from '../../src/verify/diagnosis.js';
import { intentOf } from '../../src/verify/intent.js';
import type { PathEvidence } from '../../src/verify/model.js';
import { type Target, targetsOf } from '../../src/verify/targets.js';
import type { Errand, WayOut } from '../../src/verify/way/model.js';
import { hostFrom } from './describe-host.js';
import { labFrom } from './labs.js';

/** A guest whose path is right in every respect. */
export async function directScene(uplink: boolean): Promise<Scene> {
  const bridges = { br0: { bridgeNetfilter: 'off', ...(uplink ? { uplink: 'eth0' } : {}) } };
  const file = { version: 1, name: 'l', bridges, vms: { web: { boot: 'probe', nics: [{ bridge: 'br0' }] } } };
  const host = (await hostFrom({ links: { eth0: {} }, applied: [file] })).observe();
  const [found] = targetsOf(labFrom(file), host);
  if (!found) throw new Error('no target');
  // Without an uplink as for a domain of somebody else's: whatever it is for, its bridge is a switch.
  const target: Target = { ...found, mode: 'bridged', intent: 'direct' };
  const both = { entered: 2, switched: 2 };
  const evidence: PathEvidence = {
    intent: 'direct',
    bridge: { name: 'br0', prerouting: 6, forward: 6, input: 0 },
    passed: { prerouting: 6, forward: 6, toUplink: uplink ? 6 : 0, toTap: 6 },
    families: { ip: both, ip6: both, arp: both },
    toGuest: { ip: both, ip6: both, arp: both },
    multicast: 2,
    hostStack: {
      prerouting: 0,
      forward: 0,
      input: 0,
      arp: 0,
      neighbours: [],
      conntrack: null,
      forwarded: 0,
    },
    uplink: uplink ? { name: 'eth0', egress: 6, captured: 6 } : null,
    inbound: uplink
      ? {
          ingress: 3,
          prerouting: 3,
          families: { ip: both, ip6: both, arp: both },
          toTap: 3,
          captured: 3,
          hostStack: { prerouting: 0, forward: 0 },
        }
      : null,
    fullSize: uplink ? { bytes: 1500, left: 1 } : null,
    tap: { name: target.tap, received: 8 },
    fdb: { mac: target.nic.mac, port: target.tap },
    heard: true,
    strangers: [],
    first: {
      what: 'ARP reply',
      length: 28,
      atUs: 1,
      left: uplink ? { port: 'eth0', afterUs: 20 } : null,
    },
    rerouted: null,
    way: null,
    late: false,
    addresses: [],
    tried: ['IPv6 echo request to all nodes'],
    console: '',
  };
  const settings = { ports: new Map(), calls: new Map() };
  return { target, evidence, host, domain: 'running', settings, diagnosis: NO_DIAGNOSIS };
}

/** The same on a bridge of Open vSwitch. */
export async function ovsScene(): Promise<Scene> {
  const scene = await directScene(true);
  const port = { lab: 'l', vlan: null, ofport: 1, mtu: null, error: null };
  const bridge = { name: 'br0', lab: 'l', datapath: 'netdev', mac: null, stp: false } as const;
  const ports = [scene.target.tap, 'eth0'].map(name => ({ ...port, name }));
  const ovs = {
    bridges: [{ ...bridge, multicastSnooping: false, ports }],
    trouble: null,
    kernelDatapath: null,
  };
  return { ...scene, target: { ...scene.target, ovs: true }, host: { ...scene.host, ovs } };
}

const SENT: Errand = {
  family: 'ip',
  decides: true,
  from: '10.77.0.253',
  to: ['198.18.1.2'],
  entered: 3,
  stack: 3,
  forward: 3,
  passed: [{ port: 'eth0', frames: 3 }],
  left: [{ port: 'eth0', source: '10.77.0.253', frames: 3 }],
  captured: 3,
  answers: [],
};

const WAY: WayOut = {
  toHost: { entered: 5, input: 5, stack: 4 },
  outward: 1,
  forwarded: [{ port: 'eth0', frames: 1 }],
  errands: [SENT],
  foreignPorts: [],
  cost: { routedUs: 40, switchedUs: 20 },
};

const meant = (scene: Scene, mode: Target['mode'], way: WayOut): Scene => ({
  ...scene,
  target: { ...scene.target, mode, intent: intentOf(mode) },
  evidence: { ...scene.evidence, intent: intentOf(mode), way },
});

/** A guest whose network goes up the host's stack and out, right in every respect. */
export async function routedScene(mode: 'nat' | 'routed'): Promise<Scene> {
  const source = mode === 'nat' ? '192.0.2.2' : SENT.from;
  const errand = { ...SENT, left: [{ port: 'eth0', source, frames: 3 }] };
  return meant(await directScene(false), mode, { ...WAY, errands: [errand] });
}

/** A guest of a bridge that nothing leads out of. */
export async function isolatedScene(): Promise<Scene> {
  const kept = { ...SENT, forward: 0, passed: [], left: [], captured: null };
  const errands = [kept, { ...kept, family: 'ip6' as const, from: 'fd00:77::5', to: ['2001:2:0:1::5'] }];
  const cost = { ...WAY.cost, routedUs: null };
  return meant(await directScene(false), 'isolated', { ...WAY, outward: 0, forwarded: [], errands, cost });
}

/** The same scene with one link changed, or gone. */
export const withLink = (scene: Scene, name: string, change: Partial<Link> | null): Scene => ({
  ...scene,
  host: {
    ...scene.host,
    links: scene.host.links.flatMap(link => {
      if (link.name !== name) return [link];
      return change === null ? [] : [{ ...link, ...change }];
    }),
  },
});
