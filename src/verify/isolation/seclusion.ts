import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Drivers } from '../../drivers/drivers.js';
import type { FramePort } from '../../drivers/port.js';
import { arpProbe } from '../frames.js';
import { NOBODY } from '../octets.js';
import { domainOf } from '../segment.js';
import { ownMac, plugLines, vlanLines } from '../station.js';
import type { Stimulus } from '../stimulus.js';
import type { Target } from '../targets.js';
import { parseWay } from '../way/counters.js';

// NICs whose ports are isolated must not reach each other; a second port of ours, isolated as well, plays one of them.

/** What was measured of one such NIC. */
export interface SeclusionEvidence {
  /** Frames that reached the bridge from our isolated port, and those that were handed to this NIC's tap. */
  readonly sent: number;
  readonly arrived: number;
  /** From our ordinary port, meanwhile: shows that the tap takes frames at all. */
  readonly fromOthers: number;
  /** Frames of this guest's own, of any kind, that were handed to the taps of other isolated NICs. */
  readonly between: readonly { readonly tap: string; readonly frames: number }[];
}

export interface Seclusion {
  readonly script: readonly string[];
  run(stimulus: Stimulus, drivers: Drivers): Promise<void>;
  report(sets: readonly Record<string, unknown>[]): (target: Target) => SeclusionEvidence | null;
  /** Takes our isolated ports away. */
  close(): void;
}

/** Unicast to the guest, thrice, and a broadcast; from either port. */
const REPEAT = 3;
const WAIT_MS = 60;

/** Null where no NIC is to be kept from others. */
export function seclude(targets: readonly Target[], table: string): Seclusion | null {
  const apart = targets.filter(({ nic }) => nic.isolated);
  if (apart.length === 0) return null;
  const sites = [...new Set(apart.map(domainOf))].map(domain => ({
    domain,
    targets: apart.filter(target => domainOf(target) === domain),
    isolated: ownMac(),
    ordinary: ownMac(),
  }));
  const ports: FramePort[] = [];
  return {
    script: [seclusionScript(table, sites)],
    async run(stimulus, drivers) {
      const tag = randomBytes(4).toString('hex');
      const named = sites.flatMap((site, i) => {
        const station = stimulus.places.get(site.domain)?.station;
        return station?.hears ? [{ ...site, station, port: `vmq${tag}${i}` }] : [];
      });
      const open = await Promise.all(
        named.map(async site => {
          const port = await drivers.port.open(site.port);
          ports.push(port);
          return { ...site, port };
        }),
      );
      await drivers.ip.batch(
        open.flatMap(({ port, station: { bridge, mtu } }) => [
          ...plugLines({ port: port.name, bridge, mtu }),
          `link set dev ${port.name} type bridge_slave isolated on`,
        ]),
      );
      await drivers.ip.batch(
        open.flatMap(({ port, station: { vid } }) => vlanLines({ port: port.name, vid })),
        { program: 'bridge' },
      );
      for (const { port, station, isolated, ordinary, targets: own } of open) {
        const questions = (from: string) => [
          arpProbe(from, UNUSED),
          ...own.flatMap(({ nic }) => Array.from({ length: REPEAT }, () => arpProbe(from, UNUSED, nic.mac))),
        ];
        for (const frame of questions(isolated)) port.send(frame);
        await station.send(questions(ordinary));
      }
      await sleep(WAIT_MS);
    },
    report(sets) {
      const counts = parseWay(table, sets);
      return target => {
        const site = sites.find(it => it.targets.includes(target));
        if (!site) return null;
        return {
          sent: counts.get('sent', site.isolated),
          arrived: counts.get('arrived', target.tap, site.isolated),
          fromOthers: counts.get('arrived', target.tap, site.ordinary),
          between: counts
            .of('between', target.nic.mac)
            .map(({ rest: [tap = ''], frames }) => ({ tap, frames }))
            .filter(({ tap, frames }) => frames > 0 && tap !== target.tap),
        };
      };
    },
    close() {
      for (const port of ports) port.close();
    },
  };
}

/** An ARP probe for an address that is nobody's asks nothing of anybody. */
const UNUSED = NOBODY;

interface Site {
  readonly targets: readonly Target[];
  readonly isolated: string;
  readonly ordinary: string;
}

/** In the bridge's postrouting, behind every chain: what is counted there was handed to the port. */
function seclusionScript(table: string, sites: readonly Site[]): string {
  const all = sites.flatMap(({ targets }) => targets);
  const pairs = sites.flatMap(({ targets, isolated, ordinary }) =>
    targets.flatMap(({ tap }) => [isolated, ordinary].map(mac => `"${tap}" . ${mac}`)),
  );
  const parts = [
    `set sent { typeof ether saddr; counter; elements = { ${sites.map(({ isolated }) => isolated).join(', ')} }; };`,
    `set arrived { typeof oifname . ether saddr; counter; elements = { ${pairs.join(', ')} }; };`,
    `set taps { typeof oifname; elements = { ${all.map(({ tap }) => `"${tap}"`).join(', ')} }; };`,
    `set guests { typeof ether saddr; elements = { ${all.map(({ nic }) => nic.mac).join(', ')} }; };`,
    'set between { typeof ether saddr . oifname; size 65536; flags dynamic; counter; };',
    'chain first_prerouting { type filter hook prerouting priority -400; ether saddr @sent; };',
    'chain last_postrouting { type filter hook postrouting priority 400; oifname . ether saddr @arrived; ether saddr @guests oifname @taps update @between { ether saddr . oifname counter }; };',
  ];
  return `add table bridge ${table} { flags owner; ${parts.join(' ')} }`;
}
