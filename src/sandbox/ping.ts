import type { Drivers } from '../drivers/drivers.js';
import { bare } from '../lab/cidr.js';
import type { Lab } from '../lab/model.js';
import { nicsOf } from '../lab/nics.js';
import { networkFor } from './network.js';
import { inSandbox, type Sandbox } from './sandbox.js';

export interface Ping {
  /** `web` or `the host`. */
  readonly who: string;
  readonly address: string;
  readonly sent: number;
  readonly received: number;
}

const COUNT = 3;

/** Ping every address that a lab has on a bridge with an uplink, and the host's own, from the LAN's side. */
export async function pingFromLan(lab: Lab, sandbox: Sandbox, drivers: Drivers): Promise<Ping[]> {
  const wired = new Set(lab.bridges.filter(bridge => bridge.uplink !== null).map(bridge => bridge.name));
  const guests = nicsOf(lab)
    .filter(nic => wired.has(nic.bridge))
    .flatMap(nic => nic.addresses.map(cidr => ({ who: nic.vm, address: bare(cidr) })));
  const own = [
    ...networkFor(lab).flatMap(nic => nic.host),
    ...lab.bridges.flatMap(({ uplink, address }) =>
      uplink !== null && address.mode === 'static' ? address.cidrs : [],
    ),
  ].map(cidr => ({ who: 'the host', address: bare(cidr) }));
  const pings: Ping[] = [];
  for (const group of groups([...own, ...guests], AT_ONCE))
    pings.push(...(await Promise.all(group.map(target => ping(target, sandbox, drivers)))));
  return pings;
}

const AT_ONCE = 32;

function groups<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}

async function ping(
  target: { who: string; address: string },
  sandbox: Sandbox,
  drivers: Drivers,
): Promise<Ping> {
  const words = ['ping', '-c', String(COUNT), '-i', '0.2', '-W', '2', target.address];
  const [file = '', ...args] = inSandbox(sandbox, 'lan', words);
  const { stdout } = await drivers.run(file, args, { allowFailure: true, timeoutMs: 15_000 });
  return { ...target, sent: COUNT, received: Number(/(\d+) received/.exec(stdout)?.[1] ?? 0) };
}
