import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import type { Lab } from '../lab/model.js';
import { inSandbox, type Sandbox } from './sandbox.js';

/**
 * Make the bridges that a lab expects to be there, each with a port of its own: what the first port does to a bridge, and
 * the last one's going, would show in a snapshot some time later.
 */
export async function makePermanentBridges(lab: Lab, sandbox: Sandbox, { run }: Drivers): Promise<void> {
  const inside = (words: readonly string[], input: string) => {
    const [file = '', ...args] = inSandbox(sandbox, 'host', words);
    return run(file, args, { input });
  };
  const permanent = lab.bridges.filter(bridge => bridge.permanent);
  for (const [i, { name, mac }] of permanent.entries()) {
    const [near, far] = [`vmport${i}a`, `vmport${i}b`];
    await inside(['ip', '-batch', '-'], `link add name ${name} address ${mac} type bridge forward_delay 0\n`);
    await inside(['tee', `/proc/sys/net/ipv6/conf/${name}/disable_ipv6`], '1');
    const lines = [
      `link add name ${near} type veth peer name ${far}`,
      `link set dev ${near} addrgenmode none`,
      `link set dev ${far} addrgenmode none`,
      `link set dev ${near} master ${name}`,
      ...[near, far, name].map(dev => `link set dev ${dev} up`),
    ];
    await inside(['ip', '-batch', '-'], `${lines.join('\n')}\n`);
  }
  // The kernel tells of a carrier within a second.
  if (permanent.length > 0) await sleep(1000);
}
