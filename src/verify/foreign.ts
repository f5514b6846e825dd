import { VmnetError } from '../errors.js';
import type { HostState, Link } from '../host/model.js';
import { UNRULED } from '../lab/unruled.js';
import { type DomainInterface, interfacesOf } from '../render/interfaces.js';
import type { Target } from './targets.js';

/**
 * The NICs of a running domain that vmnet need not have started: tap, bridge and uplink as libvirt and the kernel tell.
 * @param xml of the domain as it runs
 */
export function targetsOfDomain(name: string, xml: string, host: HostState): Target[] {
  const cards = interfacesOf(xml);
  if (cards.length === 0)
    throw new VmnetError('usage', `the domain ${name} has no network card`, 'There is no path to prove.');
  return cards.map((card, index) => targetOf(name, card, index, host));
}

function targetOf(domain: string, card: DomainInterface, index: number, host: HostState): Target {
  const link = host.links.find(candidate => candidate.name === card.target);
  const at = `NIC ${index} of the domain ${domain}`;
  if (card.type === 'direct')
    throw unprovable(
      `${at} is a macvtap, which passes no bridge`,
      'Its path cannot be shown by bridge hooks.',
    );
  if (card.mac === null || !link || link.master === null)
    throw unprovable(
      `${at} (${card.type || 'of no type'}) is no port of a bridge${link ? `: ${link.name} stands alone` : ''}`,
      'Only NICs on a Linux bridge can be proven; is the domain running?',
    );
  const { master } = link;
  if (host.links.find(({ name }) => name === master)?.kind !== 'bridge')
    throw unprovable(
      `${at} is a port of ${master}, which is no Linux bridge`,
      'Only the path through a Linux bridge can be proven, not one through Open vSwitch.',
    );
  return {
    nic: {
      vm: domain,
      index,
      bridge: master,
      mac: card.mac,
      tap: link.name,
      model: 'virtio',
      queues: 1,
      mtu: null,
      addresses: [],
      gateways: [],
      ...UNRULED,
      altname: link.name,
      alias: link.name,
    },
    domain,
    tap: link.name,
    bridge: master,
    uplink: uplinkOf(master, host),
    // What its owner means by it is not known: that it is a switch is all that can be asked of it.
    mode: 'bridged',
    intent: 'direct',
    leased: false,
  };
}

/** The port that leads out: a physical interface, or what stands for one. */
function uplinkOf(bridge: string, host: HostState): string | null {
  const ports = host.links.filter(link => link.master === bridge && link.kind !== 'tun');
  const rank = ({ kind }: Link) => [null, 'bond', 'vlan', 'veth'].indexOf(kind);
  const [best] = ports.filter(port => rank(port) >= 0).sort((a, b) => rank(a) - rank(b));
  return best?.name ?? null;
}

const unprovable = (message: string, hint: string) => new VmnetError('usage', message, hint);
