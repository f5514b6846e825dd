import { domainOf } from '../host/existing.js';
import type { HostState, Link } from '../host/model.js';
import type { BridgeSettings } from '../host/ports.js';
import { bare } from '../lab/cidr.js';
import { isExisting } from '../lab/existing.js';
import type { Vm } from '../lab/model.js';
import type { Check } from './model.js';
import type { Ends, Target } from './targets.js';

/** What is wrong: a word for programs, and the same for people, with what to do. */
type Fault = readonly [reason: string, hint: string];

/** A plain check: fine unless there is a fault. */
const checked = (
  name: Check['name'],
  { vm, index: nic }: { readonly vm: string; readonly index: number | null },
  fault: Fault | null,
  evidence: Readonly<Record<string, unknown>>,
): Check => ({
  name,
  vm,
  nic,
  verdict: fault ? 'failed' : 'ok',
  reason: fault?.[0] ?? null,
  hint: fault?.[1] ?? null,
  evidence,
});

/** Is the VM's domain running? */
export function checkDomain(vm: Vm, host: HostState): Check {
  const domain = domainOf(vm, host);
  const name = domain?.name ?? vm.domain;
  const state = domain?.state ?? 'not defined';
  const running = state === 'running' || state === 'blocked';
  const start = domain && isExisting(vm) ? `virsh start ${name}` : 'run vmnet provision';
  const hint = `the domain ${name} is ${state}: ${start}`;
  return checked('domain', { vm: vm.name, index: null }, running ? null : ['guest-not-running', hint], {
    domain: name,
    state,
  });
}

/** Is the tap up, a port of its bridge, and forwarding, and does it not send back what comes in? */
export function checkTap(target: Target, host: HostState, settings: BridgeSettings): Check {
  const link = host.links.find(({ name }) => name === target.tap);
  return checked('tap', target.nic, tapFault(target, link, host) ?? hairpin(target.tap, settings, 'tap'), {
    tap: target.tap,
    up: link?.up ?? false,
    master: link?.master ?? null,
    state: link?.portState ?? null,
  });
}

function tapFault(target: Target, link: Link | undefined, host: HostState): Fault | null {
  const { tap, bridge, ovs } = target;
  const fault = (reason: string, what: string): Fault => [reason, `${what}: run vmnet provision`];
  if (link === undefined) return fault('tap-missing', `${tap} does not exist`);
  if (!link.up) return fault('tap-down', `${tap} is down`);
  if (ovs && !isOvsPort(target, host))
    return fault('tap-not-enslaved', `${tap} is no port of ${bridge} of Open vSwitch`);
  if (!ovs && link.master !== bridge)
    return fault(
      'tap-not-enslaved',
      `${tap} is a port of ${link.master ?? 'no bridge'} instead of ${bridge}`,
    );
  if (link.portState && link.portState !== 'forwarding')
    return fault('tap-not-forwarding', `the bridge port ${tap} is ${link.portState}`);
  return null;
}

const isOvsPort = ({ bridge, tap }: Target, host: HostState) =>
  host.ovs?.bridges.some(({ name, ports }) => name === bridge && ports.some(port => port.name === tap));

/** Does the uplink not send back what comes in? What else may be wrong with it is the path's matter. */
export function checkUplink({ nic, uplink }: Target, settings: BridgeSettings): Check[] {
  if (uplink === null) return [];
  const evidence = { uplink, ...settings.ports.get(uplink) };
  return [checked('uplink', nic, hairpin(uplink, settings, 'uplink'), evidence)];
}

const hairpin = (port: string, settings: BridgeSettings, role: string): Fault | null =>
  settings.ports.get(port)?.hairpin
    ? [
        `${role}-hairpin`,
        `${port} sends frames back out of the port that they came in through, so a machine hears itself and IPv6 takes its address for a duplicate: bridge link set dev ${port} hairpin off`,
      ]
    : null;

/** Is the guest's address the guest's alone? */
export function checkAddress(target: Ends, seen: readonly string[], host: HostState): Check {
  const mine = new Set([...target.nic.addresses.map(bare), ...seen]);
  const shared = host.links.flatMap(link =>
    link.addresses.filter(({ local }) => mine.has(local)).map(({ local }) => ({ local, link: link.name })),
  );
  const [first] = shared;
  const fault: Fault | null = first
    ? [
        'address-on-host',
        `${first.local} is the address of this host, too (on ${first.link}): both answer for it. Give one of them another: ip address del ${first.local} dev ${first.link}`,
      ]
    : null;
  return checked('address', target.nic, fault, { addresses: [...mine] });
}

/** Has the bridge learned the guest's MAC on the guest's own tap? */
export function checkFdb(target: Target, port: string | null): Check {
  return checked('fdb', target.nic, fdbFault(target, port), { mac: target.nic.mac, port });
}

function fdbFault({ nic: { mac }, bridge, tap }: Target, port: string | null): Fault | null {
  if (port === tap) return null;
  if (port === null)
    return ['mac-not-learned', `${bridge} has not learned ${mac} on any port; it should be on ${tap}`];
  return ['mac-on-another-port', `${bridge} has learned ${mac} on ${port} instead of on ${tap}`];
}
