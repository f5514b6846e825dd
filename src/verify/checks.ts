import type { HostState } from '../host/model.js';
import type { BridgeSettings } from '../host/ports.js';
import { bare } from '../lab/cidr.js';
import type { Vm } from '../lab/model.js';
import type { Check } from './model.js';
import type { Target } from './targets.js';

/** Is the VM's domain running? */
export function checkDomain(vm: Vm, host: HostState): Check {
  const domain = host.libvirt?.domains.find(({ name }) => name === vm.domain);
  const state = domain?.state ?? 'not defined';
  const running = state === 'running' || state === 'blocked';
  return {
    name: 'domain',
    vm: vm.name,
    nic: null,
    verdict: running ? 'ok' : 'failed',
    reason: running ? null : 'guest-not-running',
    hint: running ? null : `the domain ${vm.domain} is ${state}: run vmnet provision`,
    evidence: { domain: vm.domain, state },
  };
}

/** Is the tap up, a port of its bridge, and forwarding, and does it not send back what comes in? */
export function checkTap(target: Target, host: HostState, settings: BridgeSettings): Check {
  const link = host.links.find(({ name }) => name === target.tap);
  const faults = [
    ...(link === undefined ? [['tap-missing', `${target.tap} does not exist`] as const] : []),
    ...(link && !link.up ? [['tap-down', `${target.tap} is down`] as const] : []),
    ...(link && target.ovs && !isOvsPort(target, host)
      ? [['tap-not-enslaved', `${target.tap} is no port of ${target.bridge} of Open vSwitch`] as const]
      : []),
    ...(link && !target.ovs && link.master !== target.bridge
      ? [
          [
            'tap-not-enslaved',
            `${target.tap} is a port of ${link.master ?? 'no bridge'} instead of ${target.bridge}`,
          ] as const,
        ]
      : []),
    ...(link?.portState && link.portState !== 'forwarding'
      ? [['tap-not-forwarding', `the bridge port ${target.tap} is ${link.portState}`] as const]
      : []),
    ...hairpin(target.tap, settings, 'tap'),
  ];
  const [fault] = faults;
  return {
    name: 'tap',
    vm: target.nic.vm,
    nic: target.nic.index,
    verdict: fault ? 'failed' : 'ok',
    reason: fault?.[0] ?? null,
    hint: fault ? `${fault[1]}${fault[0].endsWith('hairpin') ? '' : ': run vmnet provision'}` : null,
    evidence: {
      tap: target.tap,
      up: link?.up ?? false,
      master: link?.master ?? null,
      state: link?.portState ?? null,
    },
  };
}

const isOvsPort = ({ bridge, tap }: Target, host: HostState) =>
  host.ovs?.bridges.some(({ name, ports }) => name === bridge && ports.some(port => port.name === tap));

/** Does the uplink not send back what comes in? What else may be wrong with it is the path's matter. */
export function checkUplink(target: Target, settings: BridgeSettings): Check[] {
  if (target.uplink === null) return [];
  const [fault] = hairpin(target.uplink, settings, 'uplink');
  return [
    {
      name: 'uplink',
      vm: target.nic.vm,
      nic: target.nic.index,
      verdict: fault ? 'failed' : 'ok',
      reason: fault?.[0] ?? null,
      hint: fault?.[1] ?? null,
      evidence: { uplink: target.uplink, ...settings.ports.get(target.uplink) },
    },
  ];
}

const hairpin = (port: string, settings: BridgeSettings, role: string) =>
  settings.ports.get(port)?.hairpin
    ? [
        [
          `${role}-hairpin`,
          `${port} sends frames back out of the port that they came in through, so a machine hears itself and IPv6 takes its address for a duplicate: bridge link set dev ${port} hairpin off`,
        ] as const,
      ]
    : [];

/** Is the guest's address the guest's alone? */
export function checkAddress(target: Target, seen: readonly string[], host: HostState): Check {
  const mine = new Set([...target.nic.addresses.map(bare), ...seen]);
  const shared = host.links.flatMap(link =>
    link.addresses.filter(({ local }) => mine.has(local)).map(({ local }) => ({ local, link: link.name })),
  );
  const [first] = shared;
  return {
    name: 'address',
    vm: target.nic.vm,
    nic: target.nic.index,
    verdict: first ? 'failed' : 'ok',
    reason: first ? 'address-on-host' : null,
    hint: first
      ? `${first.local} is the address of this host, too (on ${first.link}): both answer for it. Give one of them another: ip address del ${first.local} dev ${first.link}`
      : null,
    evidence: { addresses: [...mine] },
  };
}

/** Has the bridge learned the guest's MAC on the guest's own tap? */
export function checkFdb(target: Target, port: string | null): Check {
  const good = port === target.tap;
  return {
    name: 'fdb',
    vm: target.nic.vm,
    nic: target.nic.index,
    verdict: good ? 'ok' : 'failed',
    reason: good ? null : port === null ? 'mac-not-learned' : 'mac-on-another-port',
    hint: good
      ? null
      : port === null
        ? `${target.bridge} has not learned ${target.nic.mac} on any port; it should be on ${target.tap}`
        : `${target.bridge} has learned ${target.nic.mac} on ${port} instead of on ${target.tap}`,
    evidence: { mac: target.nic.mac, port },
  };
}
