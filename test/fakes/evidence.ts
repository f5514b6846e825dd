import type { Link } from '../../src/host/model.js';
import type { Scene } from '../../src/verify/causes/cause.js';
import { NO_DIAGNOSIS } from '../../src/verify/diagnosis.js';
import type { PathEvidence } from '../../src/verify/model.js';
import { targetsOf } from '../../src/verify/targets.js';
import { hostFrom } from './describe-host.js';
import { labFrom } from './labs.js';

/** A guest whose path is right in every respect. */
export async function directScene(uplink: boolean): Promise<Scene> {
  const bridges = { br0: { bridgeNetfilter: 'off', ...(uplink ? { uplink: 'eth0' } : {}) } };
  const file = { version: 1, name: 'l', bridges, vms: { web: { boot: 'probe', nics: [{ bridge: 'br0' }] } } };
  const host = (await hostFrom({ links: { eth0: {} }, applied: [file] })).observe();
  const [target] = targetsOf(labFrom(file), host);
  if (!target) throw new Error('no target');
  const both = { entered: 2, switched: 2 };
  const evidence: PathEvidence = {
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
    late: false,
    addresses: [],
    tried: ['IPv6 echo request to all nodes'],
    console: '',
  };
  const settings = { ports: new Map(), calls: new Map() };
  return { target, evidence, host, domain: 'running', settings, diagnosis: NO_DIAGNOSIS };
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
