import type { NamespaceState } from '../../src/host/model.js';
import { runIpLine } from './ip.js';
import { FakeKernel, type FakeLink } from './kernel.js';

/** A named network namespace of the fake host. */
interface Space {
  readonly id: number;
  readonly kernel: FakeKernel;
  readonly routes: Map<string, string>;
  readonly sysctls: Map<string, string>;
}

interface End {
  readonly place: string | null;
  readonly link: FakeLink;
}

/** The namespaces beside the fake host, with the veths that lead there. */
export class FakeSpaces {
  readonly #spaces = new Map<string, Space>();
  readonly #mates = new Map<FakeLink, End>();
  #lastId = 0;
  /** Anything was ever made here: ip(8) leaves the folder behind. */
  folder = false;

  constructor(private readonly host: FakeKernel) {}

  get names(): string[] {
    return [...this.#spaces.keys()];
  }

  /** A line on the host that is about namespaces or veths; false for any other. */
  runOnHost(line: string): boolean {
    const [, verb, name = ''] = /^netns (add|del) (\S+)$/.exec(line) ?? [];
    if (verb === 'add') this.#add(name);
    else if (verb === 'del') this.#remove(name);
    else if (/^link add name \S+( netns \S+)? address \S+ mtu \d+ type veth /.test(line)) this.#pair(line);
    else return false;
    return true;
  }

  runInside(name: string, line: string): void {
    const { kernel, routes } = this.#space(name);
    const [, verb = '', to = '', via = ''] = /^route (add|replace|del) (\S+) via (\S+)$/.exec(line) ?? [];
    if (verb === '') {
      if (line.startsWith('link del dev ')) this.remove(name, line.slice('link del dev '.length));
      else runIpLine(kernel, line);
      return;
    }
    if ((verb === 'add' && routes.has(to)) || (verb === 'del' && routes.get(to) !== via))
      throw new Error('RTNETLINK answers: File exists, or no such process');
    if (verb === 'del') routes.delete(to);
    else routes.set(to, via);
  }

  writeSysctls(name: string, values: readonly (readonly [string, string])[]): void {
    for (const [path, value] of values)
      this.#space(name).sysctls.set(path, value.trim().replace(/\s+/g, ' '));
  }

  /** A link with its other end. */
  remove(place: string | null, name: string): void {
    const kernel = this.#kernel(place);
    const link = kernel.link(name);
    const mate = this.#mates.get(link);
    kernel.remove(link.name);
    if (mate) this.#kernel(mate.place).remove(mate.link.name);
  }

  state(): NamespaceState[] {
    return [...this.#spaces].map(([name, { id, kernel, routes, sysctls }]) => ({
      ...{ name, id, pids: [], sysctls: Object.fromEntries(sysctls) },
      mark: kernel.link('lo').altnames[0] ?? null,
      links: kernel.links.map(({ mtuIsSet, ...link }) => ({
        ...link,
        ...{ operState: 'UP', portState: null },
        ...this.peerOf(link.name, name),
      })),
      routes: [...routes].map(([dst, gateway]) => ({
        ...{ family: dst.includes(':') ? (6 as const) : (4 as const), dst, gateway, dev: null },
        ...{ protocol: 'boot', metric: null },
      })),
      peers: { 0: null, ...Object.fromEntries([...this.#spaces].map(([other, space]) => [space.id, other])) },
    }));
  }

  /** The host has the id 0 everywhere. */
  peerOf(name: string, place: string | null): { peer?: { index: number; netnsid: number | null } } {
    const mate = this.#mates.get(this.#kernel(place).link(name));
    if (!mate) return {};
    const netnsid = mate.place === null ? 0 : this.#space(mate.place).id;
    return { peer: { index: mate.link.index, netnsid: mate.place === place ? null : netnsid } };
  }

  #add(name: string): void {
    if (this.#spaces.has(name)) throw new Error('Cannot create namespace file: File exists');
    const kernel = new FakeKernel();
    kernel.add({ name: 'lo', kind: null, type: 'loopback', mac: '00:00:00:00:00:00', mtu: 65536 });
    this.#spaces.set(name, { id: ++this.#lastId, kernel, routes: new Map(), sysctls: new Map() });
    this.folder = true;
  }

  #remove(name: string): void {
    for (const link of [...this.#space(name).kernel.links])
      if (link.kind === 'veth') this.remove(name, link.name);
    this.#spaces.delete(name);
  }

  #pair(line: string): void {
    const ends = [...line.matchAll(/name (\S+)(?: netns (\S+))? address (\S+) mtu (\d+)/g)].map(
      ([, name = '', place = null, mac = '', mtu]) => ({
        place: place ?? null,
        link: this.#kernel(place ?? null).add({ name, mac, mtu: Number(mtu), kind: 'veth' }),
      }),
    ) as [End, End];
    this.#mates.set(ends[0].link, ends[1]);
    this.#mates.set(ends[1].link, ends[0]);
  }

  #space(name: string): Space {
    const found = this.#spaces.get(name);
    if (!found) throw new Error(`Cannot open network namespace "${name}": No such file or directory`);
    return found;
  }

  #kernel = (place: string | null): FakeKernel => (place === null ? this.host : this.#space(place).kernel);
}
