import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

/**
 * Who may import whom, by the folders and files directly below src/. `types` means `import type` only.
 * What is not listed here is forbidden; a folder may always import from itself.
 */
const ALLOWED: Readonly<Record<string, Readonly<Record<string, 'all' | 'types'>>>> = {
  // The bottom: words for failure, needed everywhere.
  errors: {},
  // And one to tell a process from a later one of the same pid.
  process: {},
  // Where the package's own files are.
  place: {},
  // What loads the packed command line: nothing of it by name.
  launch: {},
  // Ways to reach a host. They know no lab and no plan.
  drivers: { errors: 'all', process: 'all', place: 'all' },
  // What the user wants: nothing of any host.
  lab: { errors: 'all', place: 'all' },
  // What is there: through drivers, and for a lab's names.
  host: { errors: 'all', drivers: 'types', lab: 'all' },
  // Pure text from a lab.
  render: { lab: 'all', place: 'all' },
  // Pure data from lab and host: no driver can be called from here, hence host's types only; of lab, its arithmetic.
  plan: { errors: 'all', lab: 'all', host: 'types', render: 'all' },
  // The probe guest, below whoever boots it.
  guest: { errors: 'all', place: 'all', drivers: 'types' },
  // Throw-away hosts, below whoever rehearses on them; shaped by a lab's uplinks.
  sandbox: { errors: 'all', process: 'all', place: 'all', drivers: 'types', lab: 'all' },
  // The output port; of drivers only the shape of a trace.
  report: { errors: 'all', drivers: 'types' },
  // Plan to host: executes steps, looks at the host again; quotes a dead guest's console; asks guests that others wait for.
  apply: {
    errors: 'all',
    process: 'all',
    drivers: 'types',
    lab: 'types',
    host: 'all',
    plan: 'all',
    verify: 'all',
    guest: 'all',
    report: 'types',
  },
  // Lab and host to checks: knows nothing of plans; render tells where a console is logged.
  verify: {
    errors: 'all',
    drivers: 'types',
    lab: 'all',
    host: 'all',
    render: 'all',
    guest: 'all',
    report: 'all',
  },
  // One NIC's frames from device to device, live: asks and counts as the proof does.
  trace: { errors: 'all', drivers: 'types', lab: 'all', host: 'all', verify: 'all' },
  // Where guests are: asks them in the words of the proof.
  where: { errors: 'all', drivers: 'types', lab: 'all', host: 'all', verify: 'all' },
  // Host and lab to findings, before anything is changed: plans the lab without applying it, and proves KVM.
  doctor: {
    errors: 'all',
    drivers: 'types',
    lab: 'all',
    host: 'all',
    render: 'all',
    plan: 'all',
    guest: 'all',
  },
  // Verbs: may use everything below, drivers only as the object that they are handed.
  commands: {
    errors: 'all',
    process: 'all',
    place: 'all',
    drivers: 'types',
    lab: 'all',
    host: 'all',
    render: 'all',
    plan: 'all',
    apply: 'all',
    verify: 'all',
    trace: 'all',
    where: 'all',
    doctor: 'all',
    guest: 'all',
    sandbox: 'all',
    report: 'all',
  },
  // From flags to exit code: makes the drivers and the reporter; of lab, how to quote what came from outside.
  main: { errors: 'all', drivers: 'all', lab: 'all', report: 'all', commands: 'all' },
  // argv: verbs are loaded when they are called.
  cli: { errors: 'all', place: 'all', main: 'all', commands: 'all' },
  // The library: every stage, and the drivers that it makes.
  index: {
    errors: 'all',
    drivers: 'all',
    lab: 'all',
    host: 'all',
    render: 'all',
    plan: 'all',
    apply: 'all',
    verify: 'all',
    where: 'all',
    doctor: 'all',
    guest: 'all',
    report: 'all',
    commands: 'all',
  },
};

/** Packages that only one place may import. */
const ONLY: Readonly<Record<string, RegExp>> = {
  execa: /^drivers\/run\.ts$/,
  koffi: /^drivers\/(libvirt\/|flock\.ts$|port\.ts$|setns\.ts$)/,
  '#libvirt': /^drivers\/drivers\.ts$/,
  xml2js: /^render\//,
  listr2: /^report\/text\.ts$/,
  zod: /^lab\//,
  'jsonc-parser': /^lab\//,
  yaml: /^lab\/user-data\.ts$/,
  commander: /^cli\.ts$/,
};

const SRC = new URL('../../src/', import.meta.url).pathname;

interface Import {
  readonly from: string;
  /** A file below src/, or a package. */
  readonly to: string;
  readonly types: boolean;
  /** `import(…)`, when it is needed. */
  readonly late: boolean;
}

const FILES = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'));

/** The source without comments, in which import statements are quoted now and then. */
const code = (file: string) =>
  readFileSync(join(SRC, file), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');

function importsOf(file: string): Import[] {
  const text = code(file);
  const target = (name: string) =>
    name.startsWith('.') ? relative(SRC, join(SRC, dirname(file), name)).replace(/\.js$/, '.ts') : name;
  const fixed = [...text.matchAll(/^(?:import|export)\b([^;]*?)\bfrom '([^']+)'/gm)].map(
    ([, what = '', name = '']) => ({ from: file, to: target(name), types: isTypes(what), late: false }),
  );
  const bare = [...text.matchAll(/^import '([^']+)'/gm)].map(([, name = '']) => name);
  const late = [...text.matchAll(/\bimport\('([^']+)'\)/g)].map(([, name = '']) => name);
  return [
    ...fixed,
    ...bare.map(name => ({ from: file, to: target(name), types: false, late: false })),
    ...late.map(name => ({ from: file, to: target(name), types: false, late: true })),
  ];
}

/** `import type …`, or braces in which every name is a type. */
function isTypes(what: string): boolean {
  if (/^\s*type\b/.test(what)) return true;
  const names = /^\s*\{([^}]*)\}\s*$/
    .exec(what)?.[1]
    ?.split(',')
    .map(name => name.trim());
  return names?.filter(Boolean).every(name => name.startsWith('type ')) ?? false;
}

const IMPORTS = FILES.flatMap(importsOf);
const place = (file: string) => file.split('/')[0]?.replace(/\.ts$/, '') ?? '';
const isInner = ({ to }: Import) => to.endsWith('.ts');

describe('the import rule', () => {
  test('is about files that were read', () => {
    expect(FILES.length).toBeGreaterThan(90);
    expect(IMPORTS.filter(isInner).length).toBeGreaterThan(300);
    expect(IMPORTS.filter(isInner).filter(({ to }) => !FILES.includes(to))).toEqual([]);
  });

  test('names every place', () => {
    expect(new Set(FILES.map(place))).toEqual(
      new Set(Object.keys(ALLOWED).filter(name => name !== 'index' || FILES.includes('index.ts'))),
    );
  });

  test('lets nothing be imported upwards', () => {
    const forbidden = IMPORTS.filter(isInner).filter(({ from, to, types }) => {
      if (place(from) === place(to)) return false;
      const may = ALLOWED[place(from)]?.[place(to)];
      return may === undefined || (may === 'types' && !types);
    });
    expect(forbidden).toEqual([]);
  });

  test('has no circle, not even one of folders', () => {
    expect(circle(name => Object.keys(ALLOWED[name] ?? {}), Object.keys(ALLOWED))).toBeNull();
  });

  test('leaves no circle between files', () => {
    const next = new Map(
      FILES.map(file => [file, IMPORTS.filter(it => it.from === file && isInner(it)).map(it => it.to)]),
    );
    expect(circle(file => next.get(file) ?? [], FILES)).toBeNull();
  });

  test.each(Object.entries(ONLY))('%s is imported in its place only', (name, where) => {
    const users = IMPORTS.filter(({ to }) => to === name || to.startsWith(`${name}/`)).map(it => it.from);
    expect(users).not.toEqual([]);
    expect(users.filter(file => !where.test(file))).toEqual([]);
  });

  test('slow packages are loaded when they are needed', () => {
    const slow = IMPORTS.filter(({ to, late }) => ['execa', 'listr2', '#libvirt'].includes(to) && !late);
    expect(slow.filter(({ types }) => !types)).toEqual([]);
  });

  test('only cli.ts reads the command line', () => {
    expect(FILES.filter(file => /\bprocess\.argv\b(?!\[1\])/.test(code(file)))).toEqual(['cli.ts']);
  });

  test('only main.ts and index.ts make drivers', () => {
    const makers = IMPORTS.filter(({ to, types }) => to === 'drivers/drivers.ts' && !types).map(
      it => it.from,
    );
    expect(makers.filter(file => !['main.ts', 'index.ts'].includes(file))).toEqual([]);
  });
});

/** A way that leads back to where it began, or null. */
function circle(next: (name: string) => readonly string[], names: readonly string[]): string[] | null {
  const done = new Set<string>();
  const walk = (name: string, path: readonly string[]): string[] | null => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return null;
    for (const other of next(name)) {
      const found = walk(other, [...path, name]);
      if (found) return found;
    }
    done.add(name);
    return null;
  };
  for (const name of names) {
    const found = walk(name, []);
    if (found) return found;
  }
  return null;
}
