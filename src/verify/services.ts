import type { Drivers } from '../drivers/drivers.js';
import type { HostState, Link } from '../host/model.js';
import { parseCidr } from '../lab/cidr.js';
import type { Bridge, Lab } from '../lab/model.js';
import { hostVid } from '../lab/vlans.js';
import { ask, type Heard, type Served } from './ask-services.js';
import type { Check } from './model.js';
import type { ProveOptions } from './rounds.js';
import { keepsSilent } from './station.js';

// Are DHCP and DNS really served? Asked as a guest would, through a port of our own on the bridge.

/** With `passive` nothing is sent: only whether somebody runs is looked at. */
export type AskOptions = Pick<ProveOptions, 'passive' | 'signal'>;

/** Two checks for each bridge with DHCP: `dhcp` and `dns`. */
export async function checkServices(
  lab: Lab,
  host: HostState,
  drivers: Drivers,
  options: AskOptions,
): Promise<Check[]> {
  const bridges = lab.bridges.flatMap(bridge => (bridge.dhcp ? [{ bridge, dhcp: bridge.dhcp }] : []));
  const checks = await Promise.all(
    bridges.map(async ({ bridge, dhcp }) => {
      const link = host.links.find(({ altnames }) => altnames.includes(bridge.altname));
      const server = link?.addresses.find(({ family }) => family === 4)?.local;
      const runs = host.services.some(service => service.lab === lab.name && service.bridge === bridge.name);
      if (!link || !server || !runs) return notThere(bridge);
      const vid = bridge.vlanFiltering ? hostVid(bridge, lab) : null;
      const served = { bridge, dhcp, link, vid, server, kept: keptOn(lab, bridge, link) };
      if (options.passive) return notAsked(served);
      if (keepsSilent(link)) return silent(served);
      return judge(served, await ask(served, drivers, options.signal));
    }),
  );
  return checks.flat();
}

/** As many are asked for. */
const MOST_KEPT = 32;

function keptOn(lab: Lab, bridge: Bridge, link: Link): Served['kept'] {
  const subnets = link.addresses.flatMap(({ local, prefix }) => parseCidr(`${local}/${prefix}`) ?? []);
  return lab.vms
    .flatMap(vm => vm.nics)
    .filter(nic => nic.bridge === bridge.name)
    .flatMap(({ vm, mac, addresses }) => {
      const [first] = addresses
        .flatMap(text => parseCidr(text) ?? [])
        .filter(
          ({ family, value }) =>
            family === 4 && subnets[0] && value >= subnets[0].network && value <= subnets[0].last,
        );
      return first ? [{ vm, mac, ip: first.address }] : [];
    })
    .slice(0, MOST_KEPT);
}

type Fault = readonly [reason: string, hint: string] | null;

function judge(served: Served, heard: Heard): Check[] {
  const { bridge, link, server } = served;
  const offers = Object.fromEntries([...heard.offers].map(([mac, { ip }]) => [mac, ip]));
  return [
    check('dhcp', bridge, dhcpFault(served, heard), { device: link.name, server, offers }),
    check('dns', bridge, dnsFault(served, heard), { device: link.name, server, ...heard.dns }),
  ];
}

function dhcpFault({ link, server, kept }: Served, { offers, stranger }: Heard): Fault {
  const other = [...offers.values()].find(({ by }) => by !== server);
  if (other)
    return [
      'another-server',
      `${other.by} answers DHCP on ${link.name}, too: find that server among the guests, and end it`,
    ];
  const wrong = kept.find(({ mac, ip }) => offers.has(mac) && offers.get(mac)?.ip !== ip);
  if (wrong)
    return [
      'wrong-address',
      `dnsmasq offers ${offers.get(wrong.mac)?.ip} to ${wrong.vm}, whose address is ${wrong.ip}: somebody else has a lease of that; run vmnet status, and end that lease`,
    ];
  if (offers.size === 0)
    return [
      'no-offer',
      `dnsmasq runs, but no offer came on ${link.name}: does a firewall of the host drop UDP port 67 that comes in there? (nft list ruleset; with ufw: ufw allow in on ${link.name})`,
    ];
  const unheard = kept.find(({ mac }) => !offers.has(mac));
  if (unheard)
    return ['no-offer', `dnsmasq offers ${unheard.vm} (${unheard.mac}) nothing: run vmnet provision`];
  if (!offers.has(stranger))
    return [
      'range-full',
      `dnsmasq has no address left for a new guest on ${link.name}: write a larger "range"`,
    ];
  return null;
}

function dnsFault({ link, server, kept }: Served, { dns }: Heard): Fault {
  if (dns === null)
    return ['not-asked', `there is no address on ${link.name} to ask from, since DHCP gave none`];
  if (dns.code === null)
    return [
      'no-answer',
      `dnsmasq runs, but ${server} gave no answer on ${link.name}: does a firewall of the host drop UDP port 53 that comes in there? (nft list ruleset; with ufw: ufw allow in on ${link.name})`,
    ];
  const [first] = kept;
  if (first && !dns.addresses.includes(first.ip))
    return [
      'wrong-answer',
      `${dns.name} is ${dns.addresses.join(', ') || `unknown (code ${dns.code})`} instead of ${first.ip}: run vmnet provision`,
    ];
  return null;
}

const notThere = (bridge: Bridge): Check[] =>
  (['dhcp', 'dns'] as const).map(name =>
    check(
      name,
      bridge,
      ['not-running', `no dnsmasq of vmnet runs on ${bridge.name}: run vmnet provision`],
      {},
    ),
  );

/** With --passive, that somebody runs is all that is claimed. */
const notAsked = ({ bridge, link, server }: Served): Check[] =>
  (['dhcp', 'dns'] as const).map(name =>
    check(name, bridge, null, { device: link.name, server, asked: false }),
  );

const silent = ({ bridge, link, server }: Served): Check[] =>
  (['dhcp', 'dns'] as const).map(name => ({
    ...check(
      name,
      bridge,
      [
        'port-silent',
        `dnsmasq runs, but STP keeps a new port of ${link.name} silent for a while, so it was not asked: write "stp": false, or look from a guest`,
      ],
      { device: link.name, server, asked: false },
    ),
    verdict: 'unproven',
  }));

const check = (
  name: 'dhcp' | 'dns',
  bridge: Bridge,
  fault: Fault,
  evidence: Readonly<Record<string, unknown>>,
): Check => ({
  name,
  vm: '',
  bridge: bridge.name,
  nic: null,
  verdict: fault ? 'failed' : 'ok',
  reason: fault?.[0] ?? null,
  hint: fault?.[1] ?? null,
  evidence,
});
