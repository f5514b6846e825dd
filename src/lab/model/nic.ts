import type { Vlan } from './bridge.js';

export interface Nic {
  readonly vm: string;
  /** Position in the VM's list, from 0. */
  readonly index: number;
  /** Name of a bridge of the lab; null for a macvtap, which passes none. */
  readonly bridge: string | null;
  /** Set for a macvtap only: libvirt makes its device when the guest starts, vmnet makes no tap. */
  readonly macvtap?: Macvtap;
  /** Six lower-case hex bytes with colons, unicast, first byte not `fe`. */
  readonly mac: string;
  /** Interface name of the tap or macvtap, at most 15 bytes. */
  readonly tap: string;
  readonly model: 'virtio' | 'e1000e' | 'rtl8139';
  /** Missing for a cable that is plugged in. */
  readonly link?: 'down';
  /** Place in the order of booting, from 1; missing where it is not booted from. */
  readonly boot?: number;
  /** Slot on the root bus, 1 to 30; missing where libvirt chooses a port. */
  readonly pciSlot?: number;
  /** What a virtio card may leave to the other side, or not; what is missing is QEMU's default. */
  readonly offloads?: Readonly<Partial<Record<Offload, boolean>>>;
  /** Frames are handled by the kernel (vhost-net), or by QEMU; missing where libvirt chooses. */
  readonly vhost?: boolean;
  /** Queue pairs; more than 1 only with virtio. */
  readonly queues: number;
  /** Bytes; null takes the bridge's. */
  readonly mtu: number | null;
  /** CIDRs, IPv4 and IPv6, that the guest is meant to have. */
  readonly addresses: readonly string[];
  /** Default gateways, at most one for each of IPv4 and IPv6, without prefix. */
  readonly gateways: readonly string[];
  /** null where the bridge knows no VLANs, or the NIC is in its native one. */
  readonly vlan: Vlan | null;
  /** Cannot reach the other isolated ports of its bridge. */
  readonly isolated: boolean;
  /** `mac`: nothing by another MAC gets in; `ip`: neither from, or about, an address that is not in `addresses`. */
  readonly antiSpoof: 'off' | 'mac' | 'ip';
  /** What the guest may not send, in the order of this list. */
  readonly guard: readonly Guard[];
  /** Bits a second, to the guest and from it; null is no limit. */
  readonly bandwidth: { readonly in: number | null; readonly out: number | null };
  /** On the way to the guest; null where nothing is. */
  readonly impair: Impair | null;
  /** Ownership mark of the tap: `vmnet.LAB.VM.INDEX`. */
  readonly altname: string;
  /** Ownership mark for people: `vmnet:LAB:VM:INDEX`. */
  readonly alias: string;
}

/** A second MAC on an interface of the host, handed to a guest. */
export interface Macvtap {
  /** Name of the interface that it shares. */
  readonly uplink: string;
  /** Whether macvtaps of one uplink reach each other: directly, by way of the switch, or not; `passthru`: there is no other. */
  readonly mode: MacvtapMode;
}

export type MacvtapMode = 'bridge' | 'vepa' | 'private' | 'passthru';

/** `tso` is that of both IPv4 and IPv6. */
export type Offload = 'csum' | 'gso' | 'tso' | 'ecn' | 'ufo' | 'mrgRxbuf';

/** Answers of a DHCP server; advertisements and redirects of an IPv6 router; messages of the spanning tree. */
export type Guard = 'dhcp' | 'ra' | 'bpdu';

/** A bad line: 0 is none of it, and null no limit. */
export interface Impair {
  /** Microseconds. */
  readonly delay: number;
  readonly jitter: number;
  /** Millionths of all frames. */
  readonly loss: number;
  readonly corrupt: number;
  readonly reorder: number;
  /** Bits a second. */
  readonly rate: number | null;
}
