import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'jsonc-parser';
import { describe, expect, it } from 'vitest';
import { templateFile, vmnet } from './vmnet.js';

/** As much of JSON Schema as the lab's uses. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly propertyNames?: Schema;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly description?: string;
}

const KNOWN = new Set([
  ...[
    '$schema',
    'title',
    'description',
    'default',
    'type',
    'const',
    'enum',
    'pattern',
    'minLength',
    'minimum',
  ],
  ...['maximum', 'minItems', 'maxItems', 'items', 'anyOf', 'properties', 'propertyNames', 'required'],
  'additionalProperties',
]);

const IS: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: value => typeof value === 'object' && value !== null && !Array.isArray(value),
  array: Array.isArray,
  string: value => typeof value === 'string',
  boolean: value => typeof value === 'boolean',
  number: value => typeof value === 'number',
  integer: Number.isInteger,
};

/** The paths at which a value does not fit. */
function faults(value: unknown, schema: Schema, at = ''): string[] {
  const unknown = Object.keys(schema).filter(key => !KNOWN.has(key));
  if (unknown.length > 0) throw new Error(`this check does not know ${unknown.join(', ')} at ${at}`);
  if (schema.anyOf)
    return schema.anyOf.some(form => faults(value, form, at).length === 0) ? [] : [`${at}: no form fits`];
  const wrong = (bad: boolean, what: string) => (bad ? [`${at}: ${what}`] : []);
  const own = [
    ...wrong(schema.type !== undefined && !IS[schema.type]?.(value), `is no ${schema.type}`),
    ...wrong('const' in schema && value !== schema.const, `is not ${schema.const}`),
    ...wrong(schema.enum !== undefined && !schema.enum.includes(value), `is not one of ${schema.enum}`),
  ];
  if (own.length > 0) return own;
  if (typeof value === 'string')
    return wrong(!new RegExp(schema.pattern ?? '').test(value), `is not /${schema.pattern}/`);
  if (typeof value === 'number')
    return wrong(value < (schema.minimum ?? value) || value > (schema.maximum ?? value), 'is out of range');
  if (Array.isArray(value)) {
    const length = wrong(
      value.length < (schema.minItems ?? 0) || value.length > (schema.maxItems ?? 1e9),
      'length',
    );
    return [...length, ...value.flatMap((item, i) => faults(item, schema.items ?? {}, `${at}/${i}`))];
  }
  return typeof value === 'object' && value !== null ? objectFaults(value, schema, at) : [];
}

function objectFaults(value: object, schema: Schema, at: string): string[] {
  const missing = (schema.required ?? []).filter(key => !(key in value)).map(key => `${at}/${key}: missing`);
  const members = Object.entries(value).flatMap(([key, member]) => {
    const named = faults(key, schema.propertyNames ?? {}, `${at} key ${key}`);
    const form = schema.properties?.[key] ?? schema.additionalProperties ?? true;
    if (form === false) return [`${at}/${key}: unknown key`];
    return [...named, ...(form === true ? [] : faults(member, form, `${at}/${key}`))];
  });
  return [...missing, ...members];
}

const schemaOf = async () => JSON.parse((await vmnet(['schema'])).stdout) as Schema;
const templates = readdirSync(new URL('../../templates/labs/', import.meta.url)).map(file =>
  file.replace('.json', ''),
);

const read = (name: string) => parse(readFileSync(templateFile(name), 'utf8'));

describe('schema', () => {
  it('is JSON on stdout, a draft 2020-12 schema', async () => {
    const { code, json, stderr } = await vmnet(['schema']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(json).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' });
  });

  it('is the member "schema" with --json', async () => {
    const { json } = await vmnet(['schema', '--json']);
    expect(json).toMatchObject({ ok: true, command: 'schema', lab: null, changed: 0, error: null });
    expect(json.schema).toEqual(await schemaOf());
  });

  it.each(templates)('accepts the template %s', async name => {
    expect(faults(read(name), await schemaOf())).toEqual([]);
  });

  it.each([
    ['an unknown key', { bridge: {} }],
    ['another version', { version: 2 }],
    ['a name with a space', { name: 'a b' }],
    ['a bridge name of 16 bytes', { bridges: { abcdefghijklmnop: {} } }],
    ['a NIC of no known type', { vms: { a: { nics: [{ type: 'ipvlan', uplink: 'eth0' }] } } }],
    ['a VM without NICs', { vms: { a: { boot: 'probe' } } }],
  ])('refuses %s', async (_, wrong) => {
    expect(faults({ ...read('homelab'), ...wrong }, await schemaOf())).not.toEqual([]);
  });

  it('has a description on every key', async () => {
    const bare: string[] = [];
    const walk = (schema: Schema, at: string): void => {
      for (const [key, member] of Object.entries(schema.properties ?? {})) {
        if (!member.description) bare.push(`${at}.${key}`);
        walk(member, `${at}.${key}`);
      }
      for (const form of schema.anyOf ?? []) walk(form, at);
      if (schema.items) walk(schema.items, `${at}[]`);
      if (typeof schema.additionalProperties === 'object') walk(schema.additionalProperties, `${at}.*`);
    };
    walk(await schemaOf(), '');
    expect(bare).toEqual([]);
  });
});
