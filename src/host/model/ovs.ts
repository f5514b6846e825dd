import type { Vlan } from '../../lab/model.js';

/** Open vSwitch, as its database has it. */
export interface OvsState {
  readonly bridges: readonly OvsBridge[];
  /** Why it cannot be used, where a lab wants it. */
  readonly trouble: 'not-installed' | 'no-database' | 'no-switch' | null;
  /** null where no bridge is to be made. */
  readonly kernelDatapath: boolean | null;
}

export interface OvsBridge {
  readonly name: string;
  /** Our mark, `external_ids:vmnet-lab`; null where another made it. */
  readonly lab: string | null;
  /** `netdev` switches in user space. */
  readonly datapath: 'system' | 'netdev';
  readonly mac: string | null;
  readonly stp: boolean;
  readonly multicastSnooping: boolean;
  /** By name; its own port, of its name, among them. */
  readonly ports: readonly OvsPort[];
}

export interface OvsPort {
  readonly name: string;
  readonly lab: string | null;
  /** null: all VLANs, with their tags; `mode` is one that no lab has. */
  readonly vlan: Vlan | { readonly mode: string } | null;
  /** OpenFlow's number. */
  readonly ofport: number | null;
  readonly mtu: number | null;
  /** A proof's own, which may have been killed. */
  readonly proof?: true;
  /** Why it could not be opened. */
  readonly error: string | null;
}
