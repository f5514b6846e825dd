import { ADDRESS_BITS, parseCidr } from './cidr.js';

interface Written {
  readonly mode?: string | undefined;
  readonly address?: string | readonly (string | undefined)[] | undefined;
}

/** Does a bridge serve DHCP where its file does not say? Where guests get out with the host's address, and there is one to give. */
export const isServedByDefault = ({ mode, address = 'auto' }: Written): boolean =>
  mode === 'nat' &&
  [address].flat().some(text => {
    const cidr = parseCidr(text ?? '');
    return text === 'auto' || (cidr?.family === 4 && cidr.prefix <= ADDRESS_BITS[4] - 2);
  });
