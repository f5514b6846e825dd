import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../../drivers/drivers.js';
import type { FramePort } from '../../drivers/port.js';
import { VmnetError } from '../../errors.js';
import type { HostState } from '../../host/model.js';
import { ownMac } from '../station.js';

/** Says something at uplinks as if it came in from the LAN. */
export interface Mouth {
  /** Why nothing can be said; null where it can. */
  readonly mute: string | null;
  say(uplink: string, frames: readonly Uint8Array[]): Promise<void>;
  close(): void;
}

/** Frames of a burst, and milliseconds between bursts. */
const BURST = 32;
const SPACING_MS = 2;

export const MUTE: Mouth = { mute: 'nothing is sent', say: async () => {}, close: () => {} };

/**
 * A tap of our own for each uplink, in no bridge: whatever we write there tc hands to the uplink as received, before its
 * own tc and netfilter ingress. The kernel deletes tap and filter when we end, however we do.
 */
export async function openMouth(
  uplinks: readonly string[],
  host: HostState,
  drivers: Drivers,
): Promise<Mouth> {
  const tag = randomBytes(4).toString('hex');
  const sites = uplinks.map((uplink, i) => ({
    uplink,
    port: `vmp${tag}${i}`,
    mtu: host.links.find(({ name }) => name === uplink)?.mtu ?? 1500,
  }));
  const ports = new Map<string, FramePort>();
  const close = () => {
    for (const port of ports.values()) port.close();
  };
  try {
    for (const { uplink, port } of sites) ports.set(uplink, await drivers.port.open(port));
    await drivers.ip.batch(
      sites.flatMap(({ port, mtu }) => [
        `link set dev ${port} address ${ownMac()} mtu ${mtu} addrgenmode none`,
        `link set dev ${port} up`,
      ]),
    );
    return {
      mute: await redirect(sites, drivers),
      say: (uplink, frames) => send(ports.get(uplink), frames),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Null, or why tc cannot. */
async function redirect(
  sites: readonly { readonly port: string; readonly uplink: string }[],
  drivers: Drivers,
): Promise<string | null> {
  const lines = sites.flatMap(({ port, uplink }) => [
    `qdisc add dev ${port} clsact`,
    `filter add dev ${port} ingress protocol all u32 match u32 0 0 action mirred ingress redirect dev ${uplink}`,
  ]);
  try {
    await drivers.run('tc', ['-batch', '-'], { input: `${lines.join('\n')}\n`, ownSession: true });
    return null;
  } catch (error) {
    if (!(error instanceof VmnetError)) throw error;
    return `tc cannot redirect frames (clsact, u32, mirred): ${error.message}`;
  }
}

async function send(port: FramePort | undefined, frames: readonly Uint8Array[]): Promise<void> {
  for (let i = 0; i < frames.length; i += BURST) {
    for (const frame of frames.slice(i, i + BURST)) port?.send(frame);
    await sleep(SPACING_MS);
  }
}
