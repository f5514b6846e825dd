import type { Ovs, OvsDump, OvsRow, OvsTrouble } from '../../src/drivers/ovs.js';
import type { FakeKernel } from './kernel.js';

interface FakePort {
  columns: Record<string, string>;
}

interface FakeBridge {
  columns: Record<string, string>;
  readonly ports: Map<string, FakePort>;
}

/** As much of Open vSwitch as a plan can meet: its database, and the links that it makes in the kernel. */
export class FakeOvs {
  readonly bridges = new Map<string, FakeBridge>();
  /** null where none is installed. */
  trouble: OvsTrouble | null = null;
  hasKernelDatapath = false;

  constructor(readonly kernel: FakeKernel) {}

  /** Whole or not at all, as a transaction is. */
  transact(commands: readonly (readonly string[])[]): void {
    const before = structuredClone(this.bridges);
    try {
      for (const words of commands) this.#run(words);
    } catch (error) {
      this.bridges.clear();
      for (const [name, bridge] of before) this.bridges.set(name, bridge);
      throw error;
    }
    this.#adjustLinks();
  }

  #run(words: readonly string[]): void {
    const [option, verb, a = '', b = '', ...rest] = words;
    const command = `${option} ${verb}`;
    if (command === '--may-exist add-br') this.#addBridge(a);
    else if (command === '--if-exists del-br') this.bridges.delete(a);
    else if (command === '--may-exist add-port') this.#addPort(a, b, rest);
    else if (command === '--if-exists del-port') this.bridges.get(a)?.ports.delete(b);
    else if (command === '--if-exists set') this.#set(a, b, rest);
    else if (command === '--if-exists remove' && a === 'Bridge')
      delete this.bridges.get(b)?.columns[rest.join(':')];
    else throw new Error(`the fake Open vSwitch does not know: ${words.join(' ')}`);
  }

  #addBridge(name: string): void {
    if (this.bridges.has(name)) return;
    if (this.kernel.links.some(link => link.name === name)) throw new Error(`${name} exists`);
    this.bridges.set(name, { columns: {}, ports: new Map([[name, { columns: {} }]]) });
  }

  #addPort(bridge: string, name: string, columns: readonly string[]): void {
    const found = this.bridges.get(bridge);
    if (!found) throw new Error(`no bridge named ${bridge}`);
    this.kernel.link(name);
    if (!found.ports.has(name)) found.ports.set(name, { columns: {} });
    this.#set('Port', name, columns);
  }

  #set(table: string, name: string, columns: readonly string[]): void {
    const port = [...this.bridges.values()].map(({ ports }) => ports.get(name)).find(it => it !== undefined);
    const row = table === 'Bridge' ? this.bridges.get(name) : port;
    for (const column of columns) {
      const at = column.indexOf('=');
      if (row) row.columns[column.slice(0, at)] = column.slice(at + 1).replaceAll('"', '');
      const link = this.kernel.links.find(it => it.name === name);
      if (table === 'Interface' && link) link.mtu = Number(column.slice(at + 1));
    }
  }

  /** Each bridge has a link of its name. */
  #adjustLinks(): void {
    for (const name of this.bridges.keys())
      if (!this.kernel.links.some(link => link.name === name))
        this.kernel.add({
          name,
          kind: 'tun',
          mac: this.bridges.get(name)?.columns['other_config:hwaddr'] ?? '',
        });
    for (const link of this.kernel.links.filter(({ ovs }) => ovs))
      if (!this.bridges.has(link.name)) this.kernel.remove(link.name);
    for (const link of this.kernel.links) {
      const mtu = this.bridges.get(link.name)?.ports.get(link.name)?.columns.mtu_request;
      if (this.bridges.has(link.name)) link.ovs = true;
      if (mtu !== undefined) link.mtu = Number(mtu);
    }
  }

  /** libvirt does so as a guest ends. */
  removePort(name: string): void {
    for (const { ports } of this.bridges.values()) ports.delete(name);
  }

  dump(): OvsDump {
    const list = (value: string | undefined): number[] =>
      (value ?? '').replace(/[[\]]/g, '').split(',').filter(Boolean).map(Number);
    const rows = [...this.bridges].map(([name, { columns, ports }]): [OvsRow, OvsRow[]] => [
      {
        name,
        datapath_type: columns.datapath_type ?? '',
        ports: [...ports.keys()].map(port => `${name}/${port}`),
        external_ids: marks(columns),
        other_config: columns['other_config:hwaddr'] ? { hwaddr: columns['other_config:hwaddr'] } : {},
        stp_enable: columns.stp_enable === 'true',
        mcast_snooping_enable: columns.mcast_snooping_enable === 'true',
      },
      [...ports].map(([port, { columns: own }]) => ({
        _uuid: `${name}/${port}`,
        name: port,
        interfaces: [`${name}/${port}`],
        tag: list(own.tag),
        trunks: list(own.trunks),
        vlan_mode: !own.vlan_mode || own.vlan_mode === '[]' ? [] : own.vlan_mode,
        external_ids: marks(own),
      })),
    ]);
    const interfaces = [...this.bridges].flatMap(([name, { ports }]) =>
      [...ports].flatMap(
        ([
          port,
          {
            columns: { mtu_request: mtu },
          },
        ]) => (mtu === undefined ? [] : [{ _uuid: `${name}/${port}`, name: port, mtu_request: Number(mtu) }]),
      ),
    );
    return { bridges: rows.map(([row]) => row), ports: rows.flatMap(([, ports]) => ports), interfaces };
  }

  /** @param call as the host's own drivers are called */
  drivers(call: (what: string, act: () => unknown) => Promise<void>): Ovs {
    return {
      isThere: async () => this.trouble !== 'not-installed' && this.trouble !== 'no-database',
      trouble: async () => this.trouble,
      dump: async () => this.dump(),
      hasKernelDatapath: async () => this.hasKernelDatapath,
      transact: commands =>
        call(`ovs-vsctl ${commands.map(words => words.join(' ')).join(' -- ')}`, () =>
          this.transact(commands),
        ),
      fdb: async () => [],
      forget: async () => {},
    };
  }
}

const marks = (columns: Readonly<Record<string, string>>): Record<string, string> => {
  const lab = columns['external_ids:vmnet-lab'];
  return lab ? { 'vmnet-lab': lab } : {};
};
