import type { IpJson } from '../../drivers/iproute2.js';
import { number, object, objects, string } from '../json.js';
import type { FirewallRule } from '../model.js';
import type { Replaced } from './effect.js';

/** Linux: include/uapi/linux/if_link.h, XDP_ATTACHED_*; the fourth is "several". */
const MODES: Readonly<Record<number, string>> = { 1: 'driver', 2: 'generic', 3: 'hardware' };

/** XDP programs on uplinks, of `ip -j -d address show`: they get a frame before anything else. */
export const xdpPrograms = (links: readonly IpJson[], uplinks: readonly Replaced[]): FirewallRule[] =>
  uplinks.flatMap(({ device }) =>
    links
      .filter(({ ifname }) => ifname === device)
      .flatMap(({ xdp }) => {
        const attached = objects(object(xdp).attached);
        return attached.length > 0 || xdp === undefined ? attached : [object(xdp)];
      })
      .map(({ mode, prog }) => {
        const { id, name } = object(prog);
        return {
          device,
          where: `XDP program ${string(name) ?? ''}`.trim(),
          text: `${MODES[number(mode) ?? 0] ?? 'attached'}, id ${id}`,
          effect: 'sees-guests' as const,
        };
      }),
  );
