import { parseLink } from '../host/links.js';
import type { HostState, Link, Owner } from '../host/model.js';
import type { Bridge } from '../lab/model.js';
import { managersOfUplink } from '../plan/links.js';
import type { PlanProblem } from '../plan/problems.js';
import { absent, unfit } from '../plan/uplink-fit.js';
import type { Ground } from './ground.js';
import { about, type Finding } from './model.js';

/** What the kernel tells of a NIC; null where it does not. */
export interface NicFacts {
  /** Only a NIC that is up tells. */
  readonly carrier: boolean | null;
  /** Mbit/s. */
  readonly speed: number | null;
  readonly driver: string | null;
}

export async function lookAtUplinks(ground: Ground): Promise<Finding[]> {
  const { drivers, lab } = ground;
  const host = await ground.host();
  if (lab === null) {
    const usable = candidates((await drivers.ip.links()).map(parseLink));
    const nics = await Promise.all(
      usable.map(async link => ({
        link,
        wireless: host.wireless.includes(link.name),
        facts: await factsOf(link, drivers),
      })),
    );
    return [judgeCandidates(nics)];
  }
  const bridges = lab.bridges.filter(bridge => bridge.uplink !== null);
  const inFirst = await drivers.kernel.inFirstNetwork();
  const findings = await Promise.all(
    bridges.map(async bridge => {
      const link = host.links.find(({ name }) => name === bridge.uplink);
      const facts = link ? await factsOf(link, drivers) : null;
      return [
        judgeUplink(bridge.uplink ?? '', uplinkProblem(bridge, host), link ?? null, facts),
        ...judgeOwners(bridge.uplink ?? '', inFirst ? managersOfUplink(host, bridge.uplink ?? '') : null),
      ];
    }),
  );
  return findings.flat();
}

/** What the plan says of an uplink that is not there or cannot be one. */
export function uplinkProblem(bridge: Bridge, host: HostState): PlanProblem | null {
  if (bridge.uplink === null) return null;
  const link = host.links.find(({ name }) => name === bridge.uplink);
  return link ? unfit(bridge, link, host) : absent(bridge, bridge.uplink, host);
}

async function factsOf({ name }: Link, { files, inspect }: Ground['drivers']): Promise<NicFacts> {
  const at = `/sys/class/net/${name}`;
  const [carrier, speed, driver] = await Promise.all([
    files.read(`${at}/carrier`),
    files.read(`${at}/speed`),
    inspect.link(`${at}/device/driver`),
  ]);
  const mbits = Number(speed ?? -1);
  return {
    carrier: carrier === null ? null : carrier.trim() === '1',
    speed: mbits > 0 ? mbits : null,
    driver: driver?.split('/').at(-1) ?? null,
  };
}

const WHY = 'Guests reach your network through it.';

export function judgeUplink(
  name: string,
  problem: PlanProblem | null,
  link: Link | null,
  facts: NicFacts | null,
): Finding {
  const it = about('uplink', name, WHY);
  if (problem !== null || link === null || facts === null)
    return it.fault(problem?.message ?? `there is no interface ${name}`, problem?.fix ?? null);
  const words = describeNic(facts);
  if (!link.up)
    return it.warning(
      `Ethernet${words}; it is down, so whether it has a cable is not known`,
      `ip link set dev ${name} up`,
    );
  return facts.carrier === false
    ? it.warning(`Ethernet${words}; no carrier`, 'plug the cable in, or turn the port of the switch on')
    : it.ok(`Ethernet${words}; has carrier`);
}

const describeNic = ({ speed, driver }: NicFacts) =>
  [driver ? `driver ${driver}` : null, speed ? `${speed} Mbit/s` : null]
    .map(word => (word ? `, ${word}` : ''))
    .join('');

/** @param owners null in a network namespace where those do not act */
export function judgeOwners(uplink: string, owners: readonly Owner[] | null): Finding[] {
  if (owners === null) return [];
  const it = about(
    'uplink-owner',
    uplink,
    'A network manager that is not told may take the addresses or the NIC back.',
  );
  if (owners.length === 0) return [it.ok('no network manager claims it')];
  return owners.map(({ name, how, effect }) =>
    it.warning(`looked after by ${name} (${how}): ${effect}`, null),
  );
}

/** Interfaces that could lead to a network: Ethernet, not made by software, in no bridge or bond. */
const candidates = (links: readonly Link[]): Link[] =>
  links.filter(
    ({ type, kind, master }) =>
      type === 'ether' && master === null && (kind === null || kind === 'veth' || kind === 'bond'),
  );

export function judgeCandidates(
  nics: readonly { readonly link: Link; readonly wireless: boolean; readonly facts: NicFacts }[],
): Finding {
  const it = about('uplink', 'uplink', WHY);
  const wired = nics.filter(({ wireless }) => !wireless);
  const list = wired.map(
    ({ link, facts }) => `${link.name}${describeNic(facts)}${facts.carrier === false ? ', no carrier' : ''}`,
  );
  if (list.length > 0) return it.ok(`could be one: ${list.join('; ')}`);
  return nics.length > 0
    ? it.warning(
        `only Wi-Fi: ${nics.map(({ link }) => link.name).join(', ')}; access points drop frames of any MAC but its own`,
        'use a wired NIC, or a bridge without "uplink"',
      )
    : it.warning('no interface here could be one', 'leave "uplink" out for a bridge of its own');
}
