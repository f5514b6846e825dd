/** What a domain's mark says of one of its NICs. */
export interface NicMark {
  readonly mac: string;
  /** Digest of the device, its link apart: what only another device can have otherwise. */
  readonly device: string;
  readonly link: 'up' | 'down';
  /** Digest of what the guest is told of it beside that, as it starts; `-` where it is told nothing. */
  readonly told: string;
}

// In a domain's mark its NICs are one attribute: `nics="52:54:00:12:34:56/3f9c01aa/up/- …"`.

export const nicMarksText = (nics: readonly NicMark[]): string =>
  nics.map(({ mac, device, link, told }) => [mac, device, link, told].join('/')).join(' ');

/** null where the mark has none, or none that can be read. */
export function nicMarksIn(mark: string): NicMark[] | null {
  const text = /\bnics=['"]([^'"]*)['"]/.exec(mark)?.[1];
  if (text === undefined) return null;
  const words = text.split(' ').filter(Boolean);
  const nics = words.flatMap(word => {
    const [, mac, device, link, told] = WORD.exec(word) ?? [];
    if (!mac || !device || !told) return [];
    return [{ mac, device, link: link === 'down' ? ('down' as const) : ('up' as const), told }];
  });
  return nics.length === words.length ? nics : null;
}

const WORD = /^((?:[0-9a-f]{2}:){5}[0-9a-f]{2})\/([0-9a-f]+)\/(up|down)\/([0-9a-f]+|-)$/;
