import type { HostState, Link } from '../../src/host/model.js';
import type { PathEvidence } from '../../src/verify/model.js';
import { type Target, targetsOf } from '../../src/verify/targets.js';
import { hostFrom } from './describe-host.js';
import { labFrom } from './labs.js';

/** Everything that the verdict on one NIC rests on. */
export interface Scene {
  target: Target;
  evidence: PathEvidence;
  host: HostState;
  alive: boolean | null;
}

/** A guest whose path is right in every respect. */
export async function directScene(uplink: boolean): Promise<Scene> {
  const bridges = { br0: { bridgeNetfilter: 'off', ...(uplink ? { uplink: 'eth0' } : {}) } };
  const file = { version: 1, name: 'l', bridges, vms: { web: { boot: 'probe', nics: [{ bridge: 'br0' }] } } };
  const host = (await hostFrom({ links: { eth0: {} }, applied: [file] })).observe();
  const [target] = targetsOf(labFrom(file), host);
  if (!target) throw new Error('no target');
  const evidence: PathEvidence = {
    bridge: { prerouting: 4, forward: 4, input: 0 },
    families: { ip: 2, ip6: 2 },
    hostStack: { prerouting: 0, forward: 0, input: 0, arp: 0 },
    uplink: uplink ? { name: 'eth0', egress: 4 } : null,
    tap: { name: target.tap, received: 6 },
    fdb: { mac: target.nic.mac, port: target.tap },
    tried: ['IPv6 echo request to all nodes'],
    console: '',
  };
  return { target, evidence, host, alive: true };
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
