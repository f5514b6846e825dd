import type { Bridge } from './model/bridge.js';
import type { Namespace, Tun, VethLink } from './model/endpoint.js';
import type { Vm } from './model/vm.js';

export type * from './model/bridge.js';
export type * from './model/endpoint.js';
export type * from './model/nic.js';
export type * from './model/vm.js';

/**
 * What the user wants, complete and validated: every default is filled in, every name is safe to hand to
 * `ip -batch` and to XML, every path is absolute. Made by load.ts only; never changed afterwards.
 */
export interface Lab {
  /** 1 to 32 characters of `a-z A-Z 0-9 _ -`, the first a letter or digit. */
  readonly name: string;
  /** Absolute path of the file it came from. */
  readonly file: string;
  readonly bridges: readonly Bridge[];
  readonly vms: readonly Vm[];
  readonly namespaces: readonly Namespace[];
  readonly links: readonly VethLink[];
  readonly tuns: readonly Tun[];
}
