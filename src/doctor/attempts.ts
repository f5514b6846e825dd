/** Something that a kernel may be able to do, tried where nothing of the host is touched. */
export interface Attempt {
  readonly name: string;
  /** Modules without which it cannot be; where they would have to be loaded for it, it is not tried. */
  readonly modules: readonly string[];
  readonly by: 'ip' | 'tc' | 'nft';
  readonly line: string;
  /** What it is for; `optional` is needed by no lab. */
  readonly use: 'links' | 'optional' | 'vlan' | 'proof';
}

/** `module`: there to be loaded, and not tried, since trying would load it. */
export type Ability = 'yes' | 'module' | 'no';

const ip = (use: Attempt['use'], name: string, module: string, line: string): Attempt => ({
  name,
  modules: [module],
  by: 'ip',
  line,
  use,
});

const nft = (name: string, line: string): Attempt => ({
  name,
  modules: ['nf_tables'],
  by: 'nft',
  line,
  use: 'proof',
});

/** A tap, on which others stand: its module is loaded as soon as its device is opened. */
const TAP = 'vd1';

/** In order: later ones stand on earlier ones. */
export const ATTEMPTS: readonly Attempt[] = [
  ip('links', 'bridge', 'bridge', 'link add name vd0 type bridge'),
  ip('links', 'tap', 'tun', `tuntap add dev ${TAP} mode tap`),
  ip('links', 'veth', 'veth', 'link add name vd2 type veth peer name vd3'),
  ip('links', 'altname', 'bridge', 'link property add dev vd0 altname vmnet.doctor.altname'),
  ip('optional', 'macvtap', 'macvtap', `link add link ${TAP} name vd4 type macvtap mode bridge`),
  ip('optional', 'bond', 'bonding', 'link add name vd5 type bond'),
  ip('vlan', '802.1Q', '8021q', `link add link ${TAP} name vd6 type vlan id 7`),
  ip('vlan', 'VLAN filtering', 'bridge', 'link add name vd7 type bridge vlan_filtering 1'),
  {
    name: 'netem',
    modules: ['sch_netem'],
    by: 'tc',
    line: 'qdisc add dev lo root netem delay 1ms',
    use: 'optional',
  },
  nft('bridge tables', 'table bridge a { chain c { type filter hook forward priority 0; counter; }; }'),
  nft(
    'sets with counters',
    'table inet b { set s { typeof ether saddr; counter; elements = { 02:00:00:00:00:01 }; }; }',
  ),
  nft('arp tables', 'table arp c { chain c { type filter hook input priority 0; counter; }; }'),
  nft('egress hooks', 'table netdev d { chain c { type filter hook egress device "lo" priority 0; }; }'),
  nft('tables with an owner', 'table inet e { flags owner; }'),
];

/** Without `/dev/net/tun`, which is told elsewhere, nothing is known of these. */
export const needsTap = ({ line }: Attempt) => line.split(' ').includes(TAP);
