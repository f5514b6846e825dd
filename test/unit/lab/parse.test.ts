import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Lab } from '../../../src/lab/model.js';
import { parseLab } from '../../../src/lab/parse.js';
import { IFNAME_PATTERN, LAB_PATTERN, RESERVED_TAP, VM_PATTERN } from '../../../src/lab/patterns.js';
import { type Problem, problemLine } from '../../../src/lab/problem.js';
import { listTemplates, readTemplate } from '../../../src/lab/templates.js';

const RUNS = { numRuns: 200 };

/** Either a lab whose every name is safe, or problems that are safe to print. */
function checkOutcome(text: string): void {
  const { lab, problems } = parseLab(text, '/labs/lab.json');
  if (lab === null) expect(problems.length).toBeGreaterThan(0);
  else checkLab(lab);
  for (const problem of problems) checkProblem(problem, text);
}

function checkLab(lab: Lab): void {
  const nics = lab.vms.flatMap(vm => vm.nics);
  const links = [...lab.bridges.map(bridge => bridge.name), ...nics.map(nic => nic.tap)];
  const marks = [...lab.bridges, ...nics].map(link => link.altname);
  expect(lab.name).toMatch(new RegExp(LAB_PATTERN));
  for (const { name } of lab.vms) expect(name).toMatch(new RegExp(VM_PATTERN));
  for (const link of links) expect(link).toMatch(new RegExp(IFNAME_PATTERN));
  for (const { uplink } of lab.bridges) expect(uplink ?? 'none').toMatch(new RegExp(IFNAME_PATTERN));
  for (const { tap, mac } of nics) {
    expect(tap).not.toMatch(RESERVED_TAP);
    expect(mac).toMatch(/^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/);
  }
  expect(new Set([...links, ...marks]).size).toBe(links.length + marks.length);
  expect(new Set(nics.map(nic => nic.mac)).size).toBe(nics.length);
  for (const mark of marks) expect(mark).toMatch(/^[A-Za-z0-9._-]{1,127}$/);
}

function checkProblem(problem: Problem, text: string): void {
  expect(problemLine(problem) + problem.path).not.toMatch(
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/,
  );
  expect(problem.fix).not.toBe('');
  const line = text.split(/\r\n|\n|\r/)[problem.line - 1] ?? '';
  expect(problem.column).toBeLessThanOrEqual(line.length + 1);
}

/** Values that are hostile anywhere. */
const oddValue = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(
    '',
    '../x',
    'a b',
    'a;b',
    'a\nb',
    '\u001b[2J',
    'wеb',
    'vnet0',
    'lo',
    'br0',
    '10.0.0.0/24',
    -1,
    1e308,
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
);

interface Mutation {
  readonly at: number;
  readonly value: unknown;
  readonly rename: string | null;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(),
  value: oddValue,
  rename: fc.option(
    fc.oneof(fc.constantFrom('__proto__', 'constructor', 'nics', 'mac'), fc.string({ unit: 'binary' })),
  ),
});

/** The lab with one of its entries renamed or replaced, chosen by a number. */
function mutate(lab: unknown, { at, value, rename }: Mutation): void {
  const places = entries(lab);
  const place = places[at % places.length];
  if (place === undefined) return;
  const [owner, key] = place;
  if (rename !== null && !Array.isArray(owner)) {
    Object.defineProperty(owner, rename, {
      value: owner[key],
      enumerable: true,
      configurable: true,
      writable: true,
    });
    delete owner[key];
  } else owner[key] = value;
}

function entries(value: unknown): [Record<string, unknown>, string][] {
  if (typeof value !== 'object' || value === null) return [];
  const owner = value as Record<string, unknown>;
  return Object.keys(owner).flatMap(key => [
    [owner, key] as [Record<string, unknown>, string],
    ...entries(owner[key]),
  ]);
}

const RICH = {
  version: 1,
  name: 'l',
  bridges: { br0: { uplink: 'eth0', mtu: 9000 }, br1: { address: ['10.0.0.1/24', 'fd00::1/64'], stp: true } },
  defaults: { vm: { boot: 'probe', memory: '256MiB' }, nic: { queues: 2 } },
  vms: {
    a: {
      nics: [
        { bridge: 'br0', mac: '52:54:00:00:00:01', tap: 't0' },
        { bridge: 'br1', address: '10.0.0.2/24' },
      ],
    },
    vnet1: { boot: { image: 'i' }, nics: [{ bridge: 'br1', address: ['10.0.0.3/24', 'fd00::3/64'] }] },
  },
};

describe('parseLab', () => {
  test('takes the lab that the others are made from', () =>
    expect(parseLab(JSON.stringify(RICH), 'x').problems).toEqual([]));

  test('never throws on any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), checkOutcome), RUNS);
  });

  test('never throws on a text of the characters of JSON', () => {
    const unit = fc.constantFrom(...'{}[]",:/*\\ \n1e-.tn', '"name"', '"bridges"', '"vms"', 'null', '\ufeff');
    fc.assert(fc.property(fc.string({ unit, maxLength: 60 }), checkOutcome), RUNS);
  });

  test('never runs out of stack on a text that repeats itself', () => {
    const unit = fc.constantFrom(...'{}[]",:x', '"a":', '//', '/*', '\n');
    const text = fc.string({ unit, minLength: 1, maxLength: 8 }).map(part => part.repeat(10_000));
    fc.assert(
      fc.property(text, value => {
        parseLab(value, 'x');
      }),
      { numRuns: 50 },
    );
  });

  test('never throws on a lab with odd parts, and lets no odd name through', () => {
    const labs = fc.array(mutation, { minLength: 1, maxLength: 4 }).map(mutations => {
      const lab = structuredClone(RICH);
      for (const each of mutations) mutate(lab, each);
      return JSON.stringify(lab);
    });
    fc.assert(fc.property(labs, checkOutcome), RUNS);
  });

  test('gives the same lab every time', () => {
    const [first, second] = [1, 2].map(() => parseLab(readTemplate('quickstart'), 'x').lab);
    expect(first).toEqual(second);
  });

  test.each(listTemplates())('takes the template $name', ({ name, description }) => {
    expect(parseLab(readTemplate(name), 'x').problems).toEqual([]);
    expect(description).not.toBe('');
  });

  test.each([
    ['deep lists', '['.repeat(100_000)],
    ['deep objects', '{"a":'.repeat(100_000)],
    ['deep lists behind closers that do not fit', '[},'.repeat(100_000)],
    ['deep objects behind closers that do not fit', '{"a":],"b":'.repeat(100_000)],
    ['many keys', `{${Array.from({ length: 60_000 }, (_, i) => `"k${i}":1`).join()}}`],
    [
      'a wrong key in each of many VMs',
      `{"vms":{${Array.from({ length: 10_000 }, (_, i) => `"v${i}":{"x":1}`).join()}}}`,
    ],
    ['many addresses', `{"bridges":{"b":{"address":[${'"10.0.0.1/24",'.repeat(60_000)}]}}}`],
    ['a long key with many inside', `{"vms":{"${'k'.repeat(500_000)}":{${'"a":1,'.repeat(80_000)}}}}`],
    // What takes the square of that many steps does not come to its end within the time limit of a test.
  ])('is done with %s in a moment', (_, text) => checkOutcomeIsProblem(text));
});

const checkOutcomeIsProblem = (text: string) =>
  expect(parseLab(text, 'x').problems.length).toBeGreaterThan(0);
