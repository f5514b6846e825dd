import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../drivers/drivers.js';
import type { IpJson } from '../drivers/iproute2.js';
import type { StandIn } from '../plan/model.js';

/** Milliseconds: a router answers a solicitation within half a second, but not twice in three (RFC 4861, section 10). */
const WITHIN = 4000;
const LOOK_EVERY = 50;

/**
 * Wait until the kernel has learned these routers' default routes on an interface, and delete what stood in for each.
 * Where a router stays silent, its stand-in stays until it runs out, as the route itself would have.
 */
export async function heardFrom(
  { dev, standIns }: { readonly dev: string; readonly standIns: readonly StandIn[] },
  { ip }: Drivers,
  signal: AbortSignal | null,
): Promise<void> {
  const deadline = performance.now() + WITHIN;
  let silent = standIns;
  while (silent.length > 0) {
    const routes = await ip.defaultRoutes6();
    const heard = silent.filter(standIn => routes.some(route => isLearned(route, dev, standIn)));
    silent = silent.filter(standIn => !heard.includes(standIn));
    await ip.batch(
      heard.map(({ line }) => line),
      { family: 6, force: true },
    );
    if (silent.length === 0 || performance.now() > deadline || signal?.aborted) return;
    await sleep(LOOK_EVERY);
  }
}

const isLearned = (route: IpJson, dev: string, { gateway, metric }: StandIn) =>
  route.dev === dev && route.gateway === gateway && route.metric === metric && route.protocol === 'ra';
