import type { Sealed } from '../sealed.js';
import type { Nic } from './nic.js';

/** What a VM boots; paths are absolute. */
export type Boot =
  | {
      readonly kind: 'probe';
      /** Forwards between its NICs. */
      readonly forward: boolean;
    }
  | {
      readonly kind: 'kernel';
      readonly kernel: string;
      readonly initrd: string | null;
      readonly cmdline: string;
    }
  | { readonly kind: 'image'; readonly image: string }
  | {
      /** The user's own domain: all but its name, its UUID and the lab's NICs is as that file says. */
      readonly kind: 'domainXml';
      readonly file: string;
      /** Without faults. May hold passwords. null where it was not read. */
      readonly xml: Sealed | null;
    }
  /** Not made by vmnet: only its NICs are. */
  | { readonly kind: 'existing' };

export interface Vm {
  /** The key in the lab file. */
  readonly name: string;
  /** Name of the libvirt domain: `LAB-VM`, or that of one that is not ours. */
  readonly domain: string;
  /** Derived from lab and VM, so that a plan needs no randomness; not that of a domain which is not ours. */
  readonly uuid: string;
  /** 0 where a domain XML does not tell. */
  readonly memoryMiB: number;
  readonly vcpus: number;
  readonly accel: 'auto' | 'kvm' | 'tcg';
  readonly boot: Boot;
  /** Of an image: what runs before its boot loader. */
  readonly firmware: 'bios' | 'uefi';
  /** In the order in which the guest sees them; that of the image that it boots is the first. */
  readonly disks: readonly Disk[];
  /** The disks stay where the VM goes. */
  readonly keepDisk: boolean;
  /** null where the guest gets no seed. */
  readonly cloudInit: CloudInit | null;
  /** For the machine that Vagrant makes of it; only where the file says something of Vagrant. */
  readonly vagrant?: { readonly box: string | null };
  /** Names of VMs that are ready before this one starts; missing where there are none. */
  readonly dependsOn?: readonly string[];
  /** When others may count on it; missing: see `readyOf` in order.ts. */
  readonly ready?: Ready;
  /** Seconds that this may take; missing: see `readySeconds` in order.ts. */
  readonly readyTimeout?: number;
  /** libvirt starts it with the host; missing where the file says nothing of it. */
  readonly autostart?: boolean;
  readonly nics: readonly Nic[];
}

/**
 * When others may count on a VM. `none`: once it is started; `up`: its console says so, or a first frame came from it;
 * `address`: it has said which address it has; `ssh`, `tcp:PORT`: something answers there; `agent`: its guest agent answers.
 */
export type Ready = 'none' | 'up' | 'address' | 'ssh' | 'agent' | `tcp:${number}`;

/** A disk of a VM, in a file of its own. */
export interface Disk {
  /** Name of that file: another image gives another file. */
  readonly name: string;
  /** Absolute path of what lies below, which is not written to; null for an empty disk. */
  readonly image: string | null;
  /** Format of the image, or of the file of an empty disk. */
  readonly format: 'qcow2' | 'raw';
  /** MiB that the guest sees; null takes the image's. */
  readonly sizeMiB: number | null;
  readonly readOnly: boolean;
}

/** What cloud-init is told of a VM, beside its NICs. */
export interface CloudInit {
  readonly hostname: string;
  /** One line each. */
  readonly sshKeys: readonly string[];
  /** DNS servers, without prefix. */
  readonly dns: readonly string[];
  /** Absolute path of the file that user data came from; null where it stands in the lab file, or there is none. */
  readonly file: string | null;
  /** What the user wrote, without faults; host name and keys are still to be merged in. May hold passwords. */
  readonly userData: Sealed | null;
}
