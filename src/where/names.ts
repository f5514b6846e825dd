import type { Lab } from '../lab/model.js';
import type { Whereabouts } from './model.js';
import { isGlobal } from './where.js';

/** A VM by its names. */
export interface Named {
  readonly vm: string;
  /** `web.homelab`, and `web`. */
  readonly names: readonly string[];
  /** Of each NIC the first IPv4 and the first IPv6 address that lead there from anywhere. */
  readonly addresses: readonly string[];
  /** Why there is none, for people; null where there is one. */
  readonly note: string | null;
}

export const namedOf = (lab: Lab, found: readonly Whereabouts[]): Named[] =>
  lab.vms.map(({ name }) => {
    const nics = found.filter(({ vm }) => vm === name);
    const addresses = nics.flatMap(nic => {
      const all = nic.addresses.filter(isGlobal).map(({ address }) => address);
      return [all.find(it => !it.includes(':')), all.find(it => it.includes(':'))].filter(
        it => it !== undefined,
      );
    });
    const why = nics.map(({ note }) => note ?? 'link-local only').join('; ') || 'it has no NIC';
    const note = addresses.length > 0 ? null : why;
    return { vm: name, names: [`${name}.${lab.name}`, name], addresses, note };
  });

/** hosts(5). */
export const hostsLines = (named: readonly Named[]): string[] =>
  named.flatMap(it =>
    it.addresses.length > 0 ? it.addresses.map(address => `${address} ${it.names.join(' ')}`) : unknown(it),
  );

/** With how to log in. */
export interface NamedLogin extends Named {
  readonly user: string | null;
  /** Path of a private key. */
  readonly identity: string | null;
}

/** ssh_config(5): the keys of the guests are kept apart, as they go with the lab. */
export const sshConfigLines = (lab: string, named: readonly NamedLogin[]): string[] =>
  named.flatMap(it =>
    it.addresses[0] === undefined
      ? unknown(it)
      : [
          `Host ${[...it.names].reverse().join(' ')}`,
          `  HostName ${it.addresses[0]}`,
          ...(it.user === null ? [] : [`  User ${it.user}`]),
          ...(it.identity === null ? [] : [`  IdentityFile "${it.identity.replaceAll('%', '%%')}"`]),
          `  HostKeyAlias ${it.names[0]}`,
          `  UserKnownHostsFile ~/.ssh/known_hosts.vmnet-${lab}`,
          '  StrictHostKeyChecking accept-new',
        ],
  );

const unknown = ({ vm, note }: Named) => [`# ${vm}: no address is known (${note})`];
