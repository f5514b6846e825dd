#!/usr/bin/env node
// What dist/cli.js is once the command line is packed (scripts/bundle.mjs): loads the pack from what V8 made of it when
// it was built, which takes a third of the time of reading it. Another version of Node.js compiles it anew.
import { createRequire } from 'node:module';

interface Loaded {
  exports: unknown;
}

// Node's own modules are required: imported, each costs a part of a millisecond more.
const requireOther = createRequire(import.meta.url);
const { readFileSync } = requireOther('node:fs') as typeof import('node:fs');
const { dirname } = requireOther('node:path') as typeof import('node:path');
const { fileURLToPath } = requireOther('node:url') as typeof import('node:url');
const { Script } = requireOther('node:vm') as typeof import('node:vm');

const folder = dirname(fileURLToPath(import.meta.url));
const loaded = new Map<string, Loaded>();

/** A file of the pack by its name as `./NAME`; anything else as CommonJS finds it. */
function load(name: string): unknown {
  if (!name.startsWith('./')) return requireOther(name);
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const module: Loaded = { exports: {} };
  loaded.set(name, module);
  const filename = `${folder}/${name.slice(2)}`;
  const cachedData = read(`${filename}.cache`);
  const script = new Script(readFileSync(filename, 'utf8'), {
    filename,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  script.runInThisContext()(module.exports, load, module, filename, folder);
  return module.exports;
}

function read(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

load('./pack.cjs');
