import type { FakeKernel, FakeLink } from './kernel.js';
import { addressFrom, neighbourFrom, nexthopFrom, routeFrom, ruleFrom, Words } from './words.js';

/** One line of an `ip -batch`, as far as plans say such lines; any other throws. */
export function runIpLine(kernel: FakeKernel, line: string, family: 4 | 6 = 4): void {
  const words = new Words(line);
  const command = `${words.next()} ${words.next()}`;
  const act = COMMANDS[command];
  if (!act) throw words.unknown(`"${command}"`);
  act(kernel, words, family);
  if (!words.empty) throw words.unknown(words.peek());
}

type Command = (kernel: FakeKernel, words: Words, family: 4 | 6) => void;

const COMMANDS: Readonly<Record<string, Command>> = {
  'link add': linkAdd,
  'link set': linkSet,
  'link del': (kernel, words) => kernel.remove(device(words)),
  'link property': linkProperty,
  'tuntap add': tuntapAdd,
  'address add'(kernel, words) {
    const { address, dev } = addressFrom(words);
    kernel.addAddress(dev, address);
  },
  'address replace'(kernel, words) {
    const { address, dev } = addressFrom(words);
    const is = (other: { local: string; prefix: number }) =>
      other.local === address.local && other.prefix === address.prefix;
    if (!kernel.link(dev).addresses.some(is)) kernel.addAddress(dev, address);
  },
  'address del': (kernel, words) => {
    const cidr = words.next();
    kernel.deleteAddress(device(words), cidr);
  },
  'address flush': (kernel, words) => kernel.flush(device(words)),
  'route append': (kernel, words, family) => kernel.addRoute(routeFrom(words, family), 'append'),
  'route replace': (kernel, words, family) => kernel.addRoute(routeFrom(words, family), 'replace'),
  'route del': (kernel, words, family) => kernel.deleteRoute(routeFrom(words, family)),
  'rule add': (kernel, words, family) => kernel.addRule(ruleFrom(words, family)),
  'rule del': (kernel, words, family) => kernel.deleteRule(ruleFrom(words, family)),
  'nexthop replace'(kernel, words, family) {
    const familyOf = (id: number) => kernel.nexthops.find(other => other.id === id)?.family ?? 4;
    const nexthop = nexthopFrom(words, family, familyOf);
    if (family === 6 && nexthop.group.length > 0) throw new Error('Error: Invalid family for group.');
    kernel.replaceNexthop(nexthop);
  },
  'neigh replace': (kernel, words) => kernel.replaceNeighbour(neighbourFrom(words)),
};

function device(words: Words): string {
  if (!words.take('dev')) throw words.unknown(words.peek());
  return words.next();
}

function linkAdd(kernel: FakeKernel, words: Words): void {
  const fields = { name: '', address: '', link: '', mtu: 1500 };
  while (!words.take('type')) {
    const word = words.next();
    if (word === 'name' || word === 'address' || word === 'link') fields[word] = words.next();
    else if (word === 'mtu') fields.mtu = words.number();
    else throw words.unknown(word);
  }
  const kind = words.next();
  if (kind === 'macvtap') {
    macvtapAdd(kernel, fields, words);
    return;
  }
  if (kind === 'vlan') {
    addVlanLink(kernel, fields, words);
    return;
  }
  if (kind !== 'bridge') throw words.unknown('this type');
  const bridge = { stp: false, forwardDelay: 15, multicastSnooping: true };
  const { name, address: mac, mtu } = fields;
  bridgeOptions(kernel, kernel.add({ name, mac, mtu, kind: 'bridge', bridge }), words, true);
}

/** It has the MAC and the MTU of the interface below. */
function addVlanLink(kernel: FakeKernel, fields: { name: string; link: string }, words: Words): void {
  if (!words.take('id')) throw words.unknown(words.peek());
  words.number();
  const { mac, mtu } = kernel.link(fields.link);
  kernel.add({ name: fields.name, kind: 'vlan', mac, mtu });
}

function macvtapAdd(
  kernel: FakeKernel,
  { name, address: mac, link: lower }: { name: string; address: string; link: string },
  words: Words,
): void {
  if (!words.take('mode')) throw words.unknown(words.peek());
  kernel.add({ name, mac, kind: 'macvtap', macvlan: { lower: kernel.link(lower).name, mode: words.next() } });
}

/** The kernel takes the forward delay before STP, wherever they stand in the line (`br_changelink`). */
function bridgeOptions(kernel: FakeKernel, link: FakeLink, words: Words, made = false): void {
  let stp: boolean | null = null;
  while (!words.empty) {
    const word = words.next();
    if (word === 'stp_state') stp = words.next() === '1';
    else if (word === 'forward_delay') kernel.setForwardDelay(link, words.number() / 100);
    else if (word === 'mcast_snooping' && link.bridge) link.bridge.multicastSnooping = words.next() === '1';
    else if (word === 'vlan_filtering' && link.bridge) {
      if (words.next() === '1') link.bridge.vlanFiltering = true;
      else delete link.bridge.vlanFiltering;
    } else if (word === 'vlan_default_pvid' && link.bridge) {
      if (link.bridge.vlanFiltering && !made) throw new Error('RTNETLINK answers: Operation not permitted');
      const pvid = words.number();
      if (pvid === 1) delete link.bridge.defaultPvid;
      else link.bridge.defaultPvid = pvid;
    } else throw words.unknown(word);
  }
  if (stp !== null) kernel.setStp(link, stp);
}

/** All of a line that is about the link itself takes effect in one go; its master last. */
function linkSet(kernel: FakeKernel, words: Words): void {
  const link = kernel.link(device(words));
  let state: 'up' | 'down' | null = null;
  let master: string | null | undefined;
  while (!words.empty) {
    const word = words.next();
    if (word === 'up' || word === 'down') state = word;
    else if (word === 'alias') link.alias = words.next();
    else if (word === 'address') link.mac = words.next();
    else if (word === 'mtu') kernel.setMtu(link, words.number());
    else if (word === 'addrgenmode') kernel.setAddrGenMode(link, words.next());
    else if (word === 'master') master = words.next();
    else if (word === 'nomaster') master = null;
    else if (word === 'type') takeOptions(kernel, link, words);
    else throw words.unknown(word);
  }
  if (master !== undefined) kernel.setMaster(link, master);
  if (state === 'up') kernel.setUp(link);
  if (state === 'down') kernel.setDown(link);
}

function takeOptions(kernel: FakeKernel, link: FakeLink, words: Words): void {
  const type = words.next();
  if (type === 'bridge_slave' && words.take('isolated')) {
    if (link.master === null) throw new Error('RTNETLINK answers: Operation not supported');
    link.isolated = words.next() === 'on';
    return;
  }
  if (type !== 'bridge') throw words.unknown('this type');
  bridgeOptions(kernel, link, words);
}

function linkProperty(kernel: FakeKernel, words: Words): void {
  const deleting = words.take('del');
  if (!deleting && !words.take('add')) throw words.unknown(words.peek());
  const link = kernel.link(device(words));
  if (!words.take('altname')) throw words.unknown(words.peek());
  const altname = words.next();
  if (deleting) {
    if (!link.altnames.includes(altname)) throw new Error('RTNETLINK answers: No such device');
    link.altnames.splice(link.altnames.indexOf(altname), 1);
    return;
  }
  if (kernel.links.some(other => other.name === altname || other.altnames.includes(altname)))
    throw new Error('RTNETLINK answers: File exists');
  link.altnames.push(altname);
}

/** A fresh tap has a random MAC; only its first byte matters here. */
function tuntapAdd(kernel: FakeKernel, words: Words): void {
  const name = device(words);
  if (!words.take('mode')) throw words.unknown(words.peek());
  const mode = words.next();
  if (mode === 'tun') {
    tunAdd(kernel, name, words);
    return;
  }
  if (mode !== 'tap') throw words.unknown('this mode');
  const vnetHdr = words.take('vnet_hdr');
  const multiQueue = words.take('multi_queue');
  const owner = words.take('user') ? { owner: words.next() } : {};
  const tap = { vnetHdr, multiQueue, persist: true, ...owner };
  kernel.add({ name, kind: 'tun', mac: '1e:00:00:00:00:01', tap });
}

function tunAdd(kernel: FakeKernel, name: string, words: Words): void {
  const owner = words.take('user') ? words.next() : null;
  const group = words.take('group') ? words.next() : null;
  const multiQueue = words.take('multi_queue');
  kernel.add({ name, kind: 'tun', type: 'none', mac: '', tun: { owner, group, multiQueue } });
}
