import { isIPv4, isIPv6 } from 'node:net';
import type { HostState } from '../../src/host/model.js';
import type { Lab } from '../../src/lab/model.js';
import { subInterfaceAlias, subInterfaceAltname } from '../../src/lab/names.js';
import { nicsOf } from '../../src/lab/nics.js';
import { subInterfaceOf } from '../../src/lab/vlans.js';
import { tapMac } from '../../src/plan/tap.js';

/** The words that may stand in a line of `ip -batch` beside those of the language. */
export interface Vocabulary {
  readonly names: ReadonlySet<string>;
  readonly marks: ReadonlySet<string>;
  readonly aliases: ReadonlySet<string>;
  readonly macs: ReadonlySet<string>;
  readonly namespaces: ReadonlySet<string>;
}

/** Of a lab on a host: its validated names, what is derived from them, and what the host has. */
export function vocabulary(lab: Lab, host: HostState): Vocabulary {
  const nics = nicsOf(lab);
  const ends = lab.links.flatMap(link => link.ends);
  const subs = lab.bridges.flatMap(({ uplink }) => (uplink && subInterfaceOf(uplink) ? [uplink] : []));
  const marked = [...lab.bridges, ...nics, ...ends, ...lab.namespaces];
  const { links } = host;
  return {
    names: new Set([
      ...lab.bridges.flatMap(({ name, uplink }) => [name, ...(uplink === null ? [] : [uplink])]),
      ...nics.map(nic => nic.tap),
      ...lab.namespaces.flatMap(namespace => namespace.nics.map(nic => nic.name)),
      ...ends.map(end => end.name),
      'lo',
      ...links.map(link => link.name),
    ]),
    marks: new Set([
      ...marked.map(link => link.altname),
      ...subs.map(sub => subInterfaceAltname(lab.name, sub)),
    ]),
    aliases: new Set([
      ...marked.map(link => link.alias),
      ...subs.map(sub => subInterfaceAlias(lab.name, sub)),
    ]),
    macs: new Set([
      ...lab.bridges.map(bridge => bridge.mac),
      ...nics.flatMap(nic => [nic.mac, tapMac(nic)]),
      ...ends.map(end => end.mac),
      ...links.map(link => link.mac),
    ]),
    namespaces: new Set(lab.namespaces.map(namespace => namespace.netns)),
  };
}

/** Every form of line that a plan for links, taps and addresses may hold; a word in capitals is a class of words. */
const FORMS = [
  'link add name NAME address MAC mtu NUMBER type bridge stp_state BIT forward_delay NUMBER',
  'link add name NAME address MAC mtu NUMBER type bridge stp_state BIT forward_delay NUMBER mcast_snooping BIT',
  'link add name NAME address MAC mtu NUMBER type bridge stp_state BIT forward_delay NUMBER vlan_filtering BIT vlan_default_pvid 0',
  'link add name NAME address MAC mtu NUMBER type bridge stp_state BIT forward_delay NUMBER mcast_snooping BIT vlan_filtering BIT vlan_default_pvid 0',
  'link set dev NAME type bridge vlan_filtering BIT',
  'link set dev NAME type bridge vlan_default_pvid NUMBER',
  'link add link NAME name NAME type vlan id NUMBER',
  'vlan add dev NAME vid NUMBER',
  'vlan add dev NAME vid NUMBER pvid untagged',
  'vlan add dev NAME vid NUMBER pvid untagged self',
  'vlan del dev NAME vid NUMBER',
  'vlan del dev NAME vid NUMBER self',
  'netns add NETNS',
  'link add name NAME address MAC mtu NUMBER type veth peer name NAME netns NETNS address MAC mtu NUMBER',
  'link add name NAME netns NETNS address MAC mtu NUMBER type veth peer name NAME netns NETNS address MAC mtu NUMBER',
  'link del dev NAME',
  'route add SUBNET via IP',
  'route replace SUBNET via IP',
  'route del SUBNET via IP',
  'link add link NAME name NAME address MAC type macvtap mode MODE',
  'link del dev NAME',
  'link property add dev NAME altname MARK',
  'link property del dev NAME altname MARK',
  'link set dev NAME alias ALIAS',
  'link set dev NAME mtu NUMBER addrgenmode none',
  'link set dev NAME address MAC mtu NUMBER addrgenmode none',
  'link set dev NAME addrgenmode GENMODE',
  'link set dev NAME STATE',
  'link set dev NAME nomaster',
  'link set dev NAME master NAME',
  'link set dev NAME mtu NUMBER',
  'link set dev NAME address MAC',
  'link set dev NAME type bridge_slave isolated SWITCH',
  'link set dev NAME type bridge stp_state BIT',
  'link set dev NAME type bridge forward_delay NUMBER',
  'link set dev NAME type bridge mcast_snooping BIT',
  ...['user ID', 'group ID', 'user ID group ID'].flatMap(whose =>
    ['', ' multi_queue'].map(queues => `tuntap add dev NAME mode tun ${whose}${queues}`),
  ),
  'address add IP peer CIDR dev NAME',
  'tuntap add dev NAME mode tap vnet_hdr',
  'tuntap add dev NAME mode tap vnet_hdr multi_queue',
  'tuntap add dev NAME mode tap vnet_hdr user NUMBER',
  'tuntap add dev NAME mode tap vnet_hdr multi_queue user NUMBER',
  'address add CIDR dev NAME',
  'address add CIDR dev NAME nodad',
  'address add CIDR dev NAME scope SCOPE',
  'address add CIDR broadcast IP dev NAME scope SCOPE',
  'address replace CIDR dev NAME',
  'address del CIDR dev NAME',
  'address flush dev NAME',
  'route append SUBNET via IP dev NAME table main proto WORD scope SCOPE metric NUMBER',
  'rule add from all iif NAME pref NUMBER lookup main',
  'rule del from all iif NAME pref NUMBER lookup main',
].map(form => form.split(' '));

const isCidr = (word: string) => {
  const [ip = '', prefix = '', ...rest] = word.split('/');
  return rest.length === 0 && /^\d{1,3}$/.test(prefix) && (isIPv4(ip) || (isIPv6(ip) && !ip.includes('%')));
};

const CLASSES: Readonly<Record<string, (word: string, known: Vocabulary) => boolean>> = {
  NAME: (word, { names }) => names.has(word) && /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(word),
  MARK: (word, { marks }) =>
    marks.has(word) && /^vmnet(\.[A-Za-z0-9_-]+){2,}[.A-Za-z0-9_-]*$/.test(word) && word.length <= 127,
  ALIAS: (word, { aliases }) => aliases.has(word) && /^vmnet(:[A-Za-z0-9_.-]+){2,3}$/.test(word),
  MAC: (word, { macs }) => macs.has(word) && /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(word),
  NETNS: (word, { namespaces }) => namespaces.has(word) && /^[A-Za-z0-9][A-Za-z0-9_-]{2,95}$/.test(word),
  NUMBER: word => /^(0|[1-9][0-9]{0,5})$/.test(word),
  ID: word => /^(0|[1-9][0-9]{0,9})$/.test(word),
  BIT: word => word === '0' || word === '1',
  SWITCH: word => word === 'on' || word === 'off',
  MODE: word => ['bridge', 'vepa', 'private', 'passthru'].includes(word),
  STATE: word => word === 'up' || word === 'down',
  GENMODE: word => ['eui64', 'none', 'stable_secret', 'random'].includes(word),
  SCOPE: word => ['global', 'link', 'host'].includes(word),
  WORD: word => ['static', 'boot', 'kernel', 'ra'].includes(word),
  CIDR: isCidr,
  SUBNET: word => word === 'default' || isCidr(word),
  IP: word => isIPv4(word) || isIPv6(word),
};

/** Is the line one that we may say, word for word? */
export const isKnownLine = (line: string, known: Vocabulary): boolean => {
  const words = line.split(' ');
  return FORMS.some(
    form =>
      form.length === words.length &&
      form.every((part, i) => CLASSES[part]?.(words[i] ?? '', known) ?? part === words[i]),
  );
};
