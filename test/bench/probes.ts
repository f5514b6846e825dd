import { dirname } from 'node:path';
import type { Box } from '../support/box.js';

// Labs of so many probe guests, and the domains that they come to.

/** Many at once, emulated on a few processors, take longer than vmnet waits for one. */
const PROBE = { boot: 'probe', readyTimeout: '20m', nics: [{ bridge: 'br0' }] };

/** Write a lab of guests `vm0`, `vm1`, … on one bridge, and return its path. */
export const probeLab = (
  box: Box,
  { name, guests, uplink }: { name: string; guests: number; uplink?: string },
  file?: string,
): Promise<string> =>
  box.lab(
    {
      name,
      bridges: { br0: uplink === undefined ? {} : { uplink } },
      vms: Object.fromEntries(Array.from({ length: guests }, (_, i) => [`vm${i}`, PROBE])),
    },
    file,
  );

/** A domain as vmnet would define it. */
export interface Domain {
  /** The VM's. */
  readonly name: string;
  readonly xml: string;
}

export async function domainsOf(box: Box, file: string): Promise<Domain[]> {
  const { json } = await box.vmnet('xml', file);
  if (json.error) throw new Error(json.error.message);
  return json.domains;
}

/** What stands at a place of a domain's XML. */
export function findIn(xml: string, pattern: RegExp): string {
  const found = pattern.exec(xml)?.[1];
  if (found === undefined) throw new Error(`the XML has no ${pattern}:\n${xml}`);
  return found;
}

export const logOf = (xml: string): string => findIn(xml, /<log file="([^"]+)"/);

/** Have the folder of a guest's console, which vmnet makes when it starts one. */
export const makeLogs = (box: Box, xml: string): Promise<string> =>
  box.run('mkdir', '-p', dirname(logOf(xml)));
