import type { Address, Neighbour, Nexthop, Route, Rule } from '../../src/host/model.js';

/** ip-route(8)'s, ip-address(8)'s and ip-rule(8)'s words to what the kernel keeps; a word that vmnet never says throws. */

/** Words of one line, taken from the front. */
export class Words {
  readonly #line: string;
  readonly #words: string[];

  constructor(line: string) {
    this.#line = line;
    this.#words = line.split(' ').filter(word => word !== '');
  }

  get empty(): boolean {
    return this.#words.length === 0;
  }

  peek(): string {
    return this.#words[0] ?? '';
  }

  next(): string {
    const word = this.#words.shift();
    if (word === undefined) throw new Error(`the line ends too early: ip ${this.#line}`);
    return word;
  }

  number(): number {
    const value = Number(this.next());
    if (Number.isNaN(value)) throw this.unknown('a number');
    return value;
  }

  /** Take the next word if it is this one. */
  take(word: string): boolean {
    if (this.peek() !== word) return false;
    this.#words.shift();
    return true;
  }

  unknown(word: string): Error {
    return new Error(`the fake kernel does not know ${word} in: ip ${this.#line}`);
  }
}

export const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4);

/** `192.0.2.10/24 broadcast 192.0.2.255 dev eth0 scope global label eth0:1` */
export function addressFrom(words: Words): { address: Address; dev: string } {
  let [local = '', prefix = ''] = words.next().split('/');
  let peer: string | null = null;
  if (words.take('peer')) [peer = '', prefix = ''] = words.next().split('/');
  const family = familyOf(local);
  const full = family === 4 ? 32 : 128;
  const fields = {
    broadcast: null as string | null,
    scope: 'global',
    label: null as string | null,
    proto: null as string | null,
  };
  const numbers = {
    metric: null as number | null,
    valid: null as number | null,
    left: null as number | null,
  };
  const flags: string[] = [];
  let dev = '';
  while (!words.empty) {
    const word = words.next();
    if (word === 'dev') dev = words.next();
    else if (word === 'broadcast' || word === 'scope' || word === 'label' || word === 'proto')
      fields[word] = words.next();
    else if (word === 'metric') numbers.metric = words.number();
    else if (word === 'valid_lft') numbers.valid = words.number();
    else if (word === 'preferred_lft') numbers.left = words.take('forever') ? null : words.number();
    else if (['noprefixroute', 'home', 'mngtmpaddr'].includes(word)) flags.push(word);
    else if (word !== 'nodad') throw words.unknown(word);
  }
  local = local.toLowerCase();
  const address: Address = {
    family,
    local,
    prefix: prefix === '' ? full : Number(prefix),
    peer,
    broadcast: fields.broadcast,
    scope: fields.scope,
    label: fields.label ?? (family === 4 ? dev : null),
    metric: numbers.metric,
    flags,
    protocol: fields.proto,
    dynamic: numbers.valid !== null,
    validLifetime: numbers.valid,
    preferredLifetime: numbers.left,
  };
  return { address, dev };
}

const TYPES = ['unicast', 'blackhole', 'unreachable', 'prohibit', 'throw'];
const METRICS = ['mtu', 'advmss', 'window', 'initcwnd', 'initrwnd', 'hoplimit', 'rto_min'];

/** `default via 192.0.2.1 dev eth0 table main proto static metric 100`; a destination of IPv6 tells its family by itself. */
export function routeFrom(words: Words, command: 4 | 6): Route {
  const type = TYPES.includes(words.peek()) ? words.next() : 'unicast';
  const dst = words.next();
  const family = dst.includes(':') ? 6 : command;
  const route: { -readonly [K in keyof Route]: Route[K] } & {
    metrics: [string, number | string][];
    nexthops: Route['nexthops'][number][];
  } = {
    family,
    type,
    dst,
    table: 'main',
    gateway: null,
    via: null,
    dev: null,
    protocol: 'boot',
    scope: family === 6 ? 'global' : null,
    prefsrc: null,
    src: null,
    metric: family === 6 ? 1024 : null,
    onlink: false,
    metrics: [],
    nexthops: [],
    pref: family === 6 ? 'medium' : null,
  };
  while (!words.empty) {
    const word = words.next();
    if (word === 'from') route.src = words.next();
    else if (word === 'via') takeVia(route, words);
    else if (word === 'dev') route.dev = words.next();
    else if (word === 'table') route.table = words.next();
    else if (word === 'proto') route.protocol = words.next();
    else if (word === 'scope') route.scope = words.next();
    else if (word === 'src') route.prefsrc = words.next();
    else if (word === 'metric') route.metric = words.number();
    else if (word === 'onlink') route.onlink = true;
    else if (word === 'nhid') route.nhid = words.number();
    else if (word === 'expires') route.expires = words.number();
    else if (word === 'tos' || word === 'realms')
      route.options = [...(route.options ?? []), word, words.next()];
    else if (METRICS.includes(word)) route.metrics.push([word, words.number()]);
    else if (word === 'pref') route.pref = words.next();
    else if (word === 'nexthop') route.nexthops.push(hopFrom(words));
    else throw words.unknown(word);
  }
  if (route.dst === '::/0') route.dst = 'default';
  const direct =
    route.nhid === undefined && route.gateway === null && route.via === null && route.nexthops.length === 0;
  route.scope ??= direct ? 'link' : 'global';
  return route;
}

function takeVia(route: { gateway: string | null; via: Route['via'] }, words: Words): void {
  if (words.peek() === 'inet6' || words.peek() === 'inet')
    route.via = { family: words.next(), host: words.next() };
  else route.gateway = words.next();
}

function hopFrom(words: Words): Route['nexthops'][number] {
  const hop = { gateway: null as string | null, dev: '', weight: 1, onlink: false };
  while (!words.empty && words.peek() !== 'nexthop') {
    const word = words.next();
    if (word === 'via') hop.gateway = words.next();
    else if (word === 'dev') hop.dev = words.next();
    else if (word === 'weight') hop.weight = words.number();
    else if (word === 'onlink') hop.onlink = true;
    else throw words.unknown(word);
  }
  return hop;
}

/** `from all fwmark 0x1 iif eth0 pref 100 lookup 100` */
export function ruleFrom(words: Words, family: 4 | 6): Rule {
  const selectors: string[] = [];
  const ends = { iif: null as string | null, oif: null as string | null };
  while (words.peek() !== 'pref') {
    const word = words.next();
    if (word === 'iif' || word === 'oif') ends[word] = words.next();
    else selectors.push(word);
  }
  words.next();
  const priority = words.number();
  const action = [words.next()];
  while (!words.empty) action.push(words.next());
  return { family, priority, selectors, ...ends, action };
}

/** `id 10 via 192.0.2.1 dev eth0 proto static`, `id 12 group 10,3/11`; without a gateway, IPv6 by `-6` only. */
export function nexthopFrom(words: Words, command: 4 | 6, family: (id: number) => 4 | 6): Nexthop {
  const it = { id: 0, gateway: null as string | null, dev: null as string | null, onlink: false };
  let protocol = 'unspec';
  let group: { id: number; weight: number }[] = [];
  while (!words.empty) {
    const word = words.next();
    if (word === 'id') it.id = words.number();
    else if (word === 'via') it.gateway = words.next();
    else if (word === 'dev') it.dev = words.next();
    else if (word === 'onlink') it.onlink = true;
    else if (word === 'proto') protocol = words.next();
    else if (word === 'group') group = words.next().split('/').map(memberFrom);
    else throw words.unknown(word);
  }
  const six = group.some(member => family(member.id) === 6);
  const own = it.gateway === null ? command : familyOf(it.gateway);
  return { ...it, family: (group.length > 0 ? six : own === 6) ? 6 : 4, protocol, group, options: [] };
}

function memberFrom(text: string): { id: number; weight: number } {
  const [id = '', weight = '1'] = text.split(',');
  return { id: Number(id), weight: Number(weight) };
}

/** `192.0.2.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent` */
export function neighbourFrom(words: Words): Neighbour {
  const entry = { dst: words.next(), mac: '', dev: '' };
  while (!words.empty) {
    const word = words.next();
    if (word === 'lladdr') entry.mac = words.next();
    else if (word === 'dev') entry.dev = words.next();
    else if (word !== 'nud' || words.next() !== 'permanent') throw words.unknown(word);
  }
  return entry;
}
