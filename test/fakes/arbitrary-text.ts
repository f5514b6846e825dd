import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { listTemplates, readTemplate } from '../../src/lab/templates.js';
import { HOSTILE, KEYWORDS, RAW } from './hostile-words.js';

/** Texts of lab files as nobody should write them. */

const name = fc.constantFrom(...KEYWORDS);
const linkName = fc.oneof(name, fc.constantFrom('eth0', 'br0', 'eth0.10', 'a.b', 'a..b', '1.', 'x_-.'));

/** Stands in a value for a raw text, until the whole is a text. */
const rawMark = (raw: string) => `\u0001raw${RAW.indexOf(raw as (typeof RAW)[number])}\u0001`;
const withRaw = (text: string) =>
  text.replace(/"\\u0001raw(\d+)\\u0001"/g, (_, index) => RAW[Number(index)] ?? '');

const deep = fc
  .integer({ min: 1, max: 40 })
  .map(depth => Array.from({ length: depth }).reduce<unknown>(inner => [{ a: inner }], 1));

const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<unknown>(...HOSTILE) },
  { weight: 3, arbitrary: fc.constantFrom(...RAW).map(rawMark) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(
      null,
      true,
      false,
      0,
      1,
      2,
      68,
      1279,
      65521,
      65536,
      [],
      {},
      [[]],
      [{}],
      [null],
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: deep },
);

type Change =
  | { readonly kind: 'replace'; readonly value: unknown }
  | { readonly kind: 'insert' | 'rename'; readonly key: string; readonly value: unknown }
  | { readonly kind: 'remove' | 'swap' }
  | { readonly kind: 'repeat'; readonly count: number };

interface Mutation {
  /** Chooses the place, whatever the number of places. */
  readonly at: number;
  readonly change: Change;
}

const key = fc.oneof(
  name,
  fc.constantFrom('group', 'groups', 'count', '{index}'),
  fc.constantFrom<string>(...HOSTILE),
  fc.string({ unit: 'binary', maxLength: 8 }),
);

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(),
  change: fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('replace'), value: hostileValue }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('replace'), value: name as fc.Arbitrary<unknown> }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constantFrom('insert', 'rename'), key, value: hostileValue }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('remove', 'swap') }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('repeat'), count: fc.constantFrom(2, 30, 33, 70) }),
    },
  ) as fc.Arbitrary<Change>,
});

type Holder = Record<string, unknown>;

/** Every place of a value: whoever holds it, and its key there. */
function placesOf(value: unknown): [Holder, string][] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Holder;
  return Object.keys(holder).flatMap(key => [[holder, key] as [Holder, string], ...placesOf(holder[key])]);
}

const put = (holder: Holder, key: string, value: unknown) =>
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });

function mutate(lab: unknown, { at, change }: Mutation): void {
  const places = placesOf(lab);
  const [holder, key] = places[at % Math.max(1, places.length)] ?? [];
  if (holder === undefined || key === undefined) return;
  const other = places[(at * 7 + 3) % places.length];
  const list = Array.isArray(holder) ? (holder as unknown[]) : null;
  if (change.kind === 'replace') holder[key] = change.value;
  else if (change.kind === 'insert' && list) list.push(change.value);
  else if (change.kind === 'insert') put(holder, change.key, change.value);
  else if (change.kind === 'remove' && list) list.splice(Number(key), 1);
  else if (change.kind === 'remove') delete holder[key];
  else if (change.kind === 'rename' && !list) {
    put(holder, change.key, holder[key]);
    if (change.key !== key) delete holder[key];
  } else if (change.kind === 'swap' && other) holder[key] = structuredClone(other[0][other[1]]);
  else if (change.kind === 'repeat' && list)
    list.push(...Array.from({ length: change.count }, () => structuredClone(list[Number(key)])));
  else if (change.kind === 'repeat')
    for (let n = 0; n < change.count; n++) put(holder, `${key}${n}`, structuredClone(holder[key]));
}

/** What a NIC may say; numbers stand for what has to differ between NICs. */
const nicOf = (bridges: number) =>
  fc.record({
    bridge: fc.nat({ max: bridges - 1 }),
    card: fc.constantFrom<object>(
      {},
      {},
      { queues: 4 },
      { isolated: true },
      { model: 'e1000e' },
      { model: 'rtl8139', queues: 1 },
    ),
    mtu: fc.constantFrom(undefined, 1280, 1400),
    mac: fc.boolean(),
    tap: fc.option(linkName),
    address: fc.constantFrom('none', 'four', 'both'),
  });

const bridgeOf = fc.record(
  {
    address: fc.constantFrom('none', 'static', 'both'),
    mtu: fc.constantFrom(1500, 9000),
    stp: fc.boolean(),
    multicastSnooping: fc.boolean(),
    bridgeNetfilter: fc.constantFrom('keep', 'off'),
  },
  { requiredKeys: [] },
);

const boot = fc.constantFrom<unknown>(
  'probe',
  { image: 'di sk,"\'<&>%$(id);\u202e.qcow2' },
  { image: '-f' },
  { image: 'json:{}' },
  { kernel: 'vm linuz', initrd: '../../<x>', cmdline: ' a="<&>]]>" \'$(id)\' \u{1f600} ' },
);

/** Never of queues, which do not go with every model. */
const group = fc.record(
  {
    boot,
    memory: fc.constantFrom('256MiB', 512),
    vcpus: fc.constantFrom(1, 2),
    nic: fc.constantFrom({}, { mtu: 1280 }),
  },
  { requiredKeys: [] },
);

/** Addresses of the n-th host on the b-th bridge. */
const addressIn = (b: number, n: number | string, kind: string): unknown =>
  kind === 'none'
    ? 'none'
    : kind === 'both'
      ? [`10.${b}.0.${n}/24`, `FD00:0:0:${b}::${n}/64`]
      : `10.${b}.0.${n}/24`;

/** A lab that is mostly good, with names that could be words of anything. */
const keywordLab = fc
  .record({
    name,
    bridges: fc.uniqueArray(linkName, { minLength: 1, maxLength: 3 }),
    uplinks: fc.uniqueArray(linkName, { maxLength: 2 }),
    vms: fc.uniqueArray(name, { maxLength: 5 }),
  })
  .chain(({ name, bridges, uplinks, vms }) =>
    fc.record({
      name: fc.constant(name),
      bridges: entries(bridges, bridgeOf),
      uplinks: fc.constant(uplinks.filter(uplink => !bridges.includes(uplink))),
      groups: fc.option(entries(['type', 'constructor'], group), { nil: undefined }),
      vms: entries(
        vms,
        fc.record({
          boot,
          nics: fc.array(nicOf(bridges.length), { minLength: 1, maxLength: 3 }),
          group: fc.constantFrom(undefined, undefined, 'type', 'constructor'),
          count: fc.constantFrom(undefined, undefined, undefined, 1, 2),
        }),
      ),
    }),
  )
  .map(({ name, bridges, uplinks, groups, vms }) => {
    let serial = 10;
    const names = Object.keys(bridges);
    const counted = Object.entries(vms).map(([name, vm]) => [
      vm.count === undefined ? name : `${name}{index}`,
      vm,
    ]);
    return {
      version: 1,
      name,
      bridges: mapValues(bridges, ({ address, ...bridge }, b) => ({
        ...bridge,
        ...(uplinks[b] === undefined ? {} : { uplink: uplinks[b] }),
        ...(address === undefined ? {} : { address: addressIn(b, 1, address) }),
      })),
      ...(groups === undefined ? {} : { groups }),
      vms: mapValues(Object.fromEntries(counted) as typeof vms, ({ boot, nics, group, count }) => ({
        boot,
        ...(groups === undefined || group === undefined ? {} : { group }),
        ...(count === undefined ? {} : { count }),
        nics: nics.map(({ bridge, card, mtu, mac, tap, address }) => {
          const serialNumber = serial++;
          const n = count === undefined ? serialNumber : `${serialNumber}{index}`;
          return {
            bridge: names[bridge],
            ...card,
            ...(mtu === undefined ? {} : { mtu }),
            ...(mac && (count ?? 1) === 1 ? { mac: `52:54:00:AA:00:${serialNumber}` } : {}),
            ...(tap === null ? {} : { tap: `${n}${tap}` }),
            ...(address === 'none' ? {} : { address: addressIn(bridge, n, address) }),
          };
        }),
      })),
    };
  });

function entries<T>(names: readonly string[], value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> {
  return fc
    .array(value, { minLength: names.length, maxLength: names.length })
    .map(values => Object.fromEntries(names.map((it, n) => [it, values[n] as T])));
}

const mapValues = <T, U>(record: Record<string, T>, value: (each: T, n: number) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([key, each], n) => [key, value(each, n)]));

/** Labs with names out of {@link KEYWORDS}, which are mostly good. */
export const anyKeywordText = keywordLab.map(lab => JSON.stringify(lab));

/** Good labs with one to five changes. */
export const anyMutatedText = fc
  .tuple(keywordLab, fc.array(mutation, { minLength: 1, maxLength: 5 }), fc.constantFrom(0, 1))
  .map(([lab, mutations, indent]) => {
    const changed: unknown = structuredClone(lab);
    for (const each of mutations) mutate(changed, each);
    return withRaw(JSON.stringify(changed, null, indent));
  });

const FIXTURES = new URL('../fixtures/lab/', import.meta.url);

const TEXTS = [
  ...listTemplates().map(({ name }) => readTemplate(name)),
  ...readdirSync(FIXTURES).map(name => readFileSync(new URL(`${name}/lab.json`, FIXTURES), 'latin1')),
].map(text => Buffer.from(text, 'latin1'));

const SPLICES = [
  '\ufeff',
  '\r\n',
  '\r',
  '// x\n',
  '/*',
  '*/',
  '"',
  '\\',
  ',',
  '{',
  '}',
  '[',
  ']',
  ':',
  '\0',
  '\n',
  'null',
  '\u2028',
];

const cutIn = (bytes: Buffer, from: number, length: number) => {
  const start = from % (bytes.length + 1);
  return [
    bytes.subarray(0, start),
    bytes.subarray(start, start + length),
    bytes.subarray(start + length),
  ] as const;
};

/** One change of bytes, at a place that a number chooses. */
type Edit = (bytes: Buffer) => Buffer;

const place = fc.nat({ max: 1 << 20 });

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(place, fc.nat({ max: 255 })).map(
    ([at, mask]): Edit =>
      bytes => {
        const flipped = Buffer.from(bytes);
        if (flipped.length > 0) flipped[at % flipped.length] = (flipped[at % flipped.length] ?? 0) ^ mask;
        return flipped;
      },
  ),
  fc.tuple(place, fc.nat({ max: 200 }), fc.nat({ max: 3 })).map(
    ([from, length, times]): Edit =>
      bytes => {
        const [head, middle, tail] = cutIn(bytes, from, length);
        return Buffer.concat([head, ...Array.from({ length: times }, () => middle), tail]);
      },
  ),
  fc.tuple(place, fc.constantFrom(...SPLICES)).map(
    ([at, text]): Edit =>
      bytes => {
        const [head, , tail] = cutIn(bytes, at, 0);
        return Buffer.concat([head, Buffer.from(text), tail]);
      },
  ),
  fc.tuple(place, fc.constantFrom(...TEXTS), place, fc.nat({ max: 300 })).map(
    ([at, other, from, length]): Edit =>
      bytes => {
        const [head, , tail] = cutIn(bytes, at, length % 50);
        return Buffer.concat([head, cutIn(other, from, length)[1], tail]);
      },
  ),
  place.map(
    (at): Edit =>
      bytes =>
        cutIn(bytes, at, 0)[0],
  ),
  fc.constant<Edit>(bytes => Buffer.from(bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1')),
  fc.constant<Edit>(bytes => Buffer.concat([Buffer.from('\ufeff'), bytes])),
);

/** Starter labs and fixtures after one to six changes of bytes. */
export const anyEditedBytes = fc
  .tuple(fc.constantFrom(...TEXTS), fc.array(edit, { minLength: 1, maxLength: 6 }))
  .map(([text, edits]) => edits.reduce<Buffer>((bytes, change) => change(bytes), text));

/** Anything at all. */
export const anyBytes = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }).map(text => Buffer.from(text)),
  fc
    .string({
      unit: fc.constantFrom(...'{}[]",:/*\\ \n1e-.tn', '"name"', '"vms"', 'null', '\ufeff'),
      maxLength: 80,
    })
    .map(text => Buffer.from(text)),
  fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
  fc
    .tuple(
      fc.string({
        unit: fc.constantFrom(...'{}[]",:x', '"a":', '//', '/*', '\n'),
        minLength: 1,
        maxLength: 6,
      }),
      fc.nat({ max: 3000 }),
    )
    .map(([text, count]) => Buffer.from(text.repeat(count))),
);
