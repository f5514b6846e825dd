import type { Lab } from '../../lab/model.js';
import type { ExistingBefore, LibvirtUser } from './libvirt.js';
import type { Renewer } from './programs.js';

/** What a run writes down so that `destroy NAME` works without the lab file. */
export interface LabRecord {
  readonly version: 1;
  readonly name: string;
  /** The lab as it was last applied. */
  readonly lab: Lab;
  /** Applied without domains, so libvirt need not be asked. */
  readonly networkOnly: boolean;
  readonly bootId: string;
  readonly netns: string;
  /** Whose libvirt has its guests, and may open its taps; missing where it is that of the host. */
  readonly libvirtUser?: Omit<LibvirtUser, 'name'>;
  /** How each uplink was before it was enslaved, by name. */
  readonly uplinks: Readonly<Record<string, UplinkBefore>>;
  /** There was no folder of namespaces' names before a lab made one. */
  readonly namespaceFolder?: 'made';
  /** bridge-nf-call-* as found, by path below /proc/sys, where the lab turned them off; else null. */
  readonly bridgeNetfilter: Readonly<Record<string, string>> | null;
  /** Switches for forwarding as found, by path below /proc/sys, where the lab has to have them on; else null. */
  readonly forwarding: Readonly<Record<string, string>> | null;
  /** Domains that vmnet did not make and has given NICs to, by UUID; missing where there are none. */
  readonly existing?: Readonly<Record<string, ExistingBefore>>;
}

export interface UplinkBefore {
  readonly up: boolean;
  /** Value of its sysctl `addr_gen_mode`; null without IPv6. */
  readonly addrGenMode: string | null;
  /** True where its addresses and routes moved to the bridge. */
  readonly moved: boolean;
  /** LRO was on. */
  readonly lro?: true;
  /** Sysctls of the bridge, by path, as they were before it took over the uplink's. */
  readonly bridgeSysctls?: Readonly<Record<string, string>>;
  /** It has addresses that stay on it, though they work no longer. */
  readonly keepsAddresses?: true;
  /** DHCP clients that were moved along; managers, also where nothing moves. */
  readonly renewers?: readonly Renewer[];
}
