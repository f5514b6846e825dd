import koffi from 'koffi';
import type { GuestInterface } from './protocol.js';
import type { Handle } from './table.js';

/** By way of `void *`: a guest has as many addresses as it likes, and koffi's structs have a size. */
export function declareInterfaces(): void {
  koffi.struct('vmnetGuestInterface', { name: 'str', mac: 'str', count: 'uint', addresses: 'void *' });
  koffi.struct('vmnetGuestAddress', { type: 'int', address: 'str', prefix: 'uint' });
}

interface RawInterface {
  readonly name: string | null;
  readonly mac: string | null;
  readonly count: number;
  readonly addresses: bigint | null;
}

/** A copy of what a virDomainInterfacePtr points to. */
export function readInterface({ address }: Handle<'interface'>): GuestInterface | null {
  if (address === null) return null;
  const { name, mac, count, addresses } = koffi.decode(address, 'vmnetGuestInterface') as RawInterface;
  const list =
    addresses === null || count === 0
      ? []
      : (koffi.decode(addresses, 'vmnetGuestAddress', count) as { address: string | null }[]);
  return { name: name ?? '', mac, addresses: list.flatMap(it => it.address ?? []) };
}
